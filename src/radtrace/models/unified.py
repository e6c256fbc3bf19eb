"""The unified interleaved model: transformers' Chameleon, completed.

transformers' class suppresses image tokens and has no way from codes to pixels. Here image logits stay, `vqmodel` is a
VQGAN with its decoder, and codes and token ids are translated both ways, so that one class reads Chameleon and Anole
checkpoints in their hub layout and small ones of our own.
"""

from functools import cached_property
from typing import Any

from torch import Tensor
from transformers import ChameleonConfig, ChameleonForConditionalGeneration
from transformers.modeling_outputs import CausalLMOutputWithPast

from radtrace.models.vocabulary import ImageVocabulary
from radtrace.models.vqgan import VQGAN


class UnifiedModel(ChameleonForConditionalGeneration):  # type: ignore[misc]
    """Text and image tokens in, logits over both out.

    `model.vqmodel` carries the pixel decoder. `has_pixels`: whether the checkpoint had one: facebook/chameleon-7b reads
    and writes text and codes only.
    """

    has_pixels = True

    def __init__(self, config: ChameleonConfig) -> None:
        super().__init__(config)
        self.model.vqmodel = VQGAN(config.vq_config)
        self.post_init()

    @cached_property
    def images(self) -> ImageVocabulary:
        """The tokens of pictures."""
        return ImageVocabulary(self.config.vocabulary_map, self.config.vq_config.num_embeddings, self.config.vocab_size)

    def forward(
        self,
        input_ids: Tensor | None = None,
        labels: Tensor | None = None,
        logits_to_keep: int | Tensor = 0,
        **kwargs: Any,
    ) -> CausalLMOutputWithPast:
        """As Chameleon's, with the logits of image tokens left as they are.

        labels: (B, T) token ids, -100 where there is no loss.
        """
        outputs = self.model(input_ids=input_ids, **kwargs | {"return_dict": True})
        hidden = outputs.last_hidden_state
        kept = slice(-logits_to_keep, None) if isinstance(logits_to_keep, int) else logits_to_keep
        logits = self.lm_head(hidden[:, kept])
        loss = None
        if labels is not None:
            loss = self.loss_function(logits=logits, labels=labels, vocab_size=self.config.vocab_size)
        return CausalLMOutputWithPast(
            loss=loss,
            logits=logits,
            past_key_values=outputs.past_key_values,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
        )
