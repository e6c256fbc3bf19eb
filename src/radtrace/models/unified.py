"""The unified interleaved model: transformers' Chameleon, completed.

transformers' class suppresses image tokens and has no way from codes to pixels. Here image logits stay, `vqmodel` is a
VQGAN with its decoder, and codes and token ids are translated both ways, so that one class reads Chameleon and Anole
checkpoints in their hub layout and small ones of our own, which also take numbers about a study and places on its film.
"""

from typing import Any

from torch import Tensor
from transformers import ChameleonConfig, ChameleonForConditionalGeneration
from transformers.modeling_outputs import CausalLMOutputWithPast

from radtrace.models.beside import Beside
from radtrace.models.vqgan import VQGAN


class UnifiedModel(Beside, ChameleonForConditionalGeneration):  # type: ignore[misc]
    """Text and image tokens in, logits over both out.

    `model.vqmodel` carries the pixel decoder. `has_pixels`: whether the checkpoint had one: facebook/chameleon-7b reads
    and writes text and codes only. See `Beside` for three settings that are our own; one more is `frontal_only`: it has
    learnt from prompts with one film, and is not to be shown a lateral one.
    """

    has_pixels = True
    _keep_in_fp32_modules_strict = ("vqmodel",)  # in half precision its codes would change

    def __init__(self, config: ChameleonConfig) -> None:
        super().__init__(config)
        self.model.vqmodel = VQGAN(config.vq_config)
        self.look_beside()
        self.post_init()

    def forward(
        self,
        input_ids: Tensor | None = None,
        labels: Tensor | None = None,
        logits_to_keep: int | Tensor = 0,
        facts: Tensor | None = None,
        cells: Tensor | None = None,
        **kwargs: Any,
    ) -> CausalLMOutputWithPast:
        """As Chameleon's, with the logits of image tokens left as they are.

        labels: (B, T) token ids, -100 where there is no loss. facts: float (B, facts), nought for what is not known.
        cells: int (B, T), the film's own code where the next token draws; -1 for none.
        """
        if facts is None and cells is None:
            kwargs["input_ids"] = input_ids
        else:
            kwargs["inputs_embeds"] = self.embedded(input_ids, facts, cells)
        outputs = self.model(**kwargs | {"return_dict": True})
        hidden = outputs.last_hidden_state
        kept = slice(-logits_to_keep, None) if isinstance(logits_to_keep, int) else logits_to_keep
        logits = self.lm_head(hidden[:, kept])
        if cells is not None:
            logits = self.copying(logits, hidden[:, kept], cells[:, kept])
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
