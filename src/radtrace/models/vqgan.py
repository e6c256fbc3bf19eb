"""The VQGAN of Chameleon with the pixel decoder that transformers leaves out."""

from transformers import ChameleonVQVAE, ChameleonVQVAEConfig

from radtrace.models.codec import Coding, Decoder, Encoder, use_norm


class VQGAN(Coding, ChameleonVQVAE):  # type: ignore[misc]
    """Pixels to codes and back. See `radtrace.models.codec.CodecConfig` for two settings that are our own."""

    def __init__(self, config: ChameleonVQVAEConfig) -> None:
        super().__init__(config)
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        use_norm(self, config)
        self.post_init()
