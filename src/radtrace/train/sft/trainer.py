"""The steps of fine-tuning: transformers' Trainer with our batches, losses and checkpoints.

TRL's SFTTrainer is not used: what it adds to Trainer is the making of samples (chat templates, masks on prompts,
packing), which happens before the first step here, and its collators know nothing of facts and cells.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import Field, PositiveFloat, PositiveInt
from torch import Tensor, nn
from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_callback import PrinterCallback
from transformers.utils.logging import disable_progress_bar

from radtrace.config import Settings
from radtrace.models.unified import UnifiedModel
from radtrace.runs import Advance, progress
from radtrace.train.precision import Half, half
from radtrace.train.sft.averaging import Average
from radtrace.train.sft.checkpoints import finished, newest, step_of, tidied
from radtrace.train.sft.data.batches import TrainBatches
from radtrace.train.sft.journal import Journal
from radtrace.train.sft.losses import Losses, kept_positions, losses, means

Quick = Callable[[UnifiedModel], dict[str, float]]
"""Model -> figures of a quick generation, for the log."""
Keep = Callable[[UnifiedModel, Mapping[str, Tensor]], None]
"""Writes the model, whose tensors are these, as the best so far."""
_BEST = "best.json"


class Learning(Settings):
    """How to learn.

    epochs: times that as many samples are drawn as there are. rate, warmup, decay, beta: of AdamW; the rate rises for
        `warmup` steps and then falls to `floor` of it, along a half cosine, or ("wsd") in the last `fall` of the steps.
    accumulate: batches whose gradients make one step. steepest: the gradient's norm is cut to it.
    picture_weight: of a picture token's loss beside a text token's. smoothing: of the labels of text.
    average: steps that the moving average of the weights is about as long as; 0 for none.
    keep: "best" keeps the weights of the lowest validation loss, "last" the last ones, any other word those of the
        highest figure of that name of the quick looks.
    bf16: see `radtrace.train.precision.Half`. checkpointing: activations are computed again in the backward pass.
    log_every, save_every: steps; looks: validations an epoch.
    """

    epochs: PositiveFloat = 10
    rate: PositiveFloat = 6e-4
    warmup: int = Field(default=100, ge=0)
    schedule: Literal["cosine", "wsd"] = "cosine"
    floor: float = Field(default=0.05, ge=0, le=1)
    fall: float = Field(default=0.2, gt=0, le=1)
    decay: float = Field(default=0.1, ge=0)
    beta: float = Field(default=0.98, gt=0, lt=1)
    steepest: PositiveFloat = 1.0
    accumulate: PositiveInt = 1
    picture_weight: float = Field(default=1.0, ge=0)
    smoothing: float = Field(default=0.0, ge=0, lt=1)
    average: int = Field(default=0, ge=0)
    keep: str = "best"
    bf16: Half = "auto"
    checkpointing: bool = False
    log_every: PositiveInt = 50
    save_every: PositiveInt = 200
    looks: PositiveInt = 1

    def arguments(self, output: Path, steps: int, seed: int) -> TrainingArguments:
        """For the Trainer; logs, looks and checkpoints are asked for by `_Flow`."""
        fall = {"min_lr_rate": self.floor}
        if self.schedule == "wsd":
            fall = {"min_lr_ratio": self.floor, "num_decay_steps": max(1, round(self.fall * steps))}
        return TrainingArguments(
            output_dir=str(output),
            max_steps=steps,
            per_device_train_batch_size=1,
            gradient_accumulation_steps=self.accumulate,
            learning_rate=self.rate,
            lr_scheduler_type="cosine_with_min_lr" if self.schedule == "cosine" else "warmup_stable_decay",
            lr_scheduler_kwargs=fall,
            warmup_steps=min(self.warmup, steps // 2),
            weight_decay=self.decay,
            adam_beta2=self.beta,
            max_grad_norm=self.steepest,
            activation_checkpointing=self.checkpointing,
            seed=seed,
            ddp_find_unused_parameters=False,
            use_cpu=not torch.cuda.is_available(),
            train_sampling_strategy="sequential",
            dataloader_pin_memory=torch.cuda.is_available(),
            remove_unused_columns=False,
            save_total_limit=2,
            logging_strategy="no",
            eval_strategy="no",
            save_strategy="no",
            disable_tqdm=True,
            report_to=[],
        )


@dataclass(slots=True)
class Best:
    """The weights that are kept. value: of the figure that chose them, higher is better."""

    step: int = 0
    value: float = float("-inf")


def _only(batches: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    return batches[0]


class SftTrainer(Trainer):  # type: ignore[misc]
    """A run; `learn` begins it or goes on with it."""

    def __init__(
        self,
        model: UnifiedModel,
        batches: TrainBatches,
        validation: Callable[[slice], Iterator[dict[str, Tensor]]],
        how: Learning,
        arguments: TrainingArguments,
        *,
        keep: Keep,
        quick: Quick | None,
    ) -> None:
        disable_progress_bar()
        super().__init__(model=model, args=arguments, train_dataset=batches, data_collator=_only)
        self.how, self.batches, self.validation, self.keep, self.quick = how, batches, validation, keep, quick
        self.loss_is_scaled_for_ga = False
        self.average = Average(model, how.average)
        self.best = Best()
        self.journal: Journal | None = None
        self.remove_callback(PrinterCallback)
        self.add_callback(_Flow(self))
        self._window = torch.zeros(4, device=arguments.device)
        self._tokens, self._since = 0, time.perf_counter()

    def learn(self) -> Best:
        """All steps, or those that an interrupted run left."""
        folder = Path(self.args.output_dir)
        checkpoint = newest(folder)
        done = step_of(checkpoint) if checkpoint else 0
        if checkpoint:
            self.average.load(checkpoint)
            self.best = Best(**json.loads((checkpoint / _BEST).read_bytes()))
        if self.is_world_process_zero():
            tidied(folder)
            self.journal = Journal(folder, done)
        if done < self.args.max_steps:
            with self._progress(done) as self.advance:
                self.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        if self.journal:
            self.journal.close()
        return self.best

    def _progress(self, done: int) -> AbstractContextManager[Advance | None]:
        return progress("steps", self.args.max_steps, done) if self.is_world_process_zero() else nullcontext()

    def compute_loss(
        self, model: nn.Module, inputs: dict[str, Tensor], return_outputs: bool = False, **_: Any
    ) -> Tensor:
        """Of one batch; see `losses`."""
        torch.manual_seed(self.args.seed * 1_000_003 + int(inputs["number"]))
        found = self._losses(model, inputs)
        self._window += found.sums
        self._tokens += inputs["input_ids"].numel()
        return found.total

    def _losses(self, model: nn.Module, inputs: dict[str, Tensor], smoothing: bool = True) -> Losses:
        taken = {name: inputs[name] for name in ("input_ids", "facts", "cells") if name in inputs}
        kinds = inputs["kinds"]
        with half(self.how.bf16, self.args.device.type):
            out = model(**taken, logits_to_keep=kept_positions(kinds), use_cache=False)
        how = self.how
        return losses(out.logits, inputs["targets"], kinds, how.picture_weight, how.smoothing * smoothing)

    def floating_point_ops(self, inputs: dict[str, Any]) -> int:
        """Not counted."""
        return 0

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """A row of the metrics; Trainer's own summary at the end is none."""
        if "grad_norm" not in logs:
            return
        sums = self.accelerator.reduce(self._window, "sum")
        if self.journal:
            step, now = self.state.global_step, time.perf_counter()
            row = {"step": step, "epoch": round(step / self.an_epoch, 4)} | means(sums)
            speed = self._tokens * self.args.world_size / (now - self._since)
            row |= {"rate": logs["learning_rate"], "norm": logs["grad_norm"], "tokens_per_s": round(speed)}
            self.journal.add(row)
        self._window.zero_()
        self._restart_clock()
        self.control.should_log = False

    def _restart_clock(self) -> None:
        self._tokens, self._since = 0, time.perf_counter()

    @property
    def an_epoch(self) -> float:
        """Steps in which as many samples are drawn as there are."""
        batches: int = self.how.accumulate * self.args.world_size
        return self.batches.an_epoch / batches

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Within, the model as it is judged and kept: with averaged weights, no dropout, no gradients."""
        was = self.model.training
        self.model.eval()
        try:
            with self.average.shown(), torch.no_grad():
                yield
        finally:
            self.model.train(was)

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        """Losses on the validation and the quick look, as a row; keeps the model if it is better than before."""
        started = time.perf_counter()
        sums = torch.zeros(4, device=self.args.device)
        with self.averaged():
            for batch in self.validation(slice(self.args.process_index, None, self.args.world_size)):
                sums += self._losses(self.model_wrapped, self._prepare_inputs(batch), smoothing=False).sums
            sums = self.accelerator.reduce(sums, "sum")
            row = {f"val_{name}": value for name, value in means(sums).items()}
            if self.journal:
                row |= self.quick(self.model) if self.quick else {}
                self.journal.add({"step": self.state.global_step} | row)
                self.journal.draw()
            self._consider(row)
        self._since += time.perf_counter() - started
        self.control.should_evaluate = False
        return row

    def _consider(self, row: dict[str, float]) -> None:
        from accelerate.utils import broadcast_object_list

        keep, step = self.how.keep, self.state.global_step
        known = row | {"best": -row["val_loss"], "last": float(step)}
        value = broadcast_object_list([known.get(keep, 0.0)])[0]  # quick looks are the first process's alone
        if value > self.best.value:
            self.best = Best(step, value)
            state = self.accelerator.get_state_dict(self.model_wrapped)
            if self.is_world_process_zero():
                self.keep(self.accelerator.unwrap_model(self.model), state)

    def _save_checkpoint(self, model: nn.Module, trial: Any) -> None:
        super()._save_checkpoint(model, trial)
        self.accelerator.wait_for_everyone()
        if self.is_world_process_zero():
            folder = Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}"
            self.average.save(folder)
            (folder / _BEST).write_text(json.dumps({"step": self.best.step, "value": self.best.value}))
            finished(folder)


class _Flow(TrainerCallback):  # type: ignore[misc]
    """When to log, look and save; the last step does all of it."""

    def __init__(self, trainer: SftTrainer) -> None:
        self.trainer = trainer

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        """Before the first step."""
        self.trainer._restart_clock()

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> TrainerControl:
        """After each step."""
        trainer, step = self.trainer, state.global_step
        trainer.average.update()
        if trainer.advance:
            trainer.advance()
        last = step == args.max_steps
        control.should_log = last or step % trainer.how.log_every == 0
        control.should_save = last or step % trainer.how.save_every == 0
        looks = trainer.how.looks / trainer.an_epoch
        control.should_evaluate = last or int(step * looks) > int((step - 1) * looks)
        return control
