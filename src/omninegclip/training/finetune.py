"""From a preset's flat values to objects, and from those to a fine-tuned model."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from functools import partial

import torch
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from omninegclip.clip.device import moved, pinned
from omninegclip.clip.encoder import ClipEncoder
from omninegclip.clip.policy import PolicyTable, apply_policy, parameter_groups
from omninegclip.data.sampler import BatchSampler
from omninegclip.errors import OmniNegClipError
from omninegclip.files import JsonObject
from omninegclip.training import schedule
from omninegclip.training.checkpoint import restore_tensors, tensors_of, trained_of
from omninegclip.training.chunks import PROBED, chunk_that_fits
from omninegclip.training.compiled import compiled_texts
from omninegclip.training.distributed import average_gradients, world_size
from omninegclip.training.gradcache import accumulate_gradients
from omninegclip.training.loop import ScaleLoss, Step, backward_through, train
from omninegclip.training.methods.method import BatchPlan, TrainingBatch, TrainingRecords
from omninegclip.training.prefetch import made_ahead
from omninegclip.training.preset import Preset, check_steps
from omninegclip.training.task import TrainingTask

_SCHEDULES = {"paper": schedule.paper, "cosine": schedule.cosine}


def freeze(encoder: ClipEncoder, preset: Preset) -> PolicyTable:
    """Set what of the model trains and return it as a table to print.

    Raises OmniNegClipError when our objectives don't fit the model, or the policy doesn't.
    """
    if not encoder.family.softmax:
        raise OmniNegClipError(
            f"A {type(encoder.model).__name__} was pretrained with a sigmoid loss over single pairs, and the "
            "objectives here are softmax losses over a batch, which its scale and bias don't fit: it can be "
            "evaluated; for training choose a CLIP or a VisionTextDualEncoder."
        )
    return apply_policy(
        encoder.model,
        text=preset.text_layers,
        text_extras=preset.text_extras,
        image=preset.image_layers,
    )


class FineTuning:
    """A fine-tuning run: it takes steps, and its state at any of them is a handful of tensors and numbers.

    Attributes:
        total: steps of the whole run.
        epoch: steps of a pass over the kind of negation that has more captions.
        done: steps taken so far.
        texts_per_step: the mean number of captions in a step, over all processes.
    """

    def __init__(self, encoder: ClipEncoder, records: TrainingRecords, preset: Preset, seed: int) -> None:
        """Make ready for the first step; `freeze` comes first.

        Args:
            encoder: its model is trained in place.
            records: with the features of the frozen image tower.
            preset: every choice.
            seed: of the order of the data.

        Raises:
            OmniNegClipError: The text tower is causal but takes no mask, nothing trains, the records
                lack what the objective learns from or don't fill a batch, or the run is shorter than its
                warm-up.
        """
        encoder.family.prepare_training()
        method = preset.method
        settings = preset.settings_of(method.settings)
        data = method.read(records, encoder, settings)
        samplers = [BatchSampler(size, preset.batch_size, 2 * seed + n) for n, size in enumerate(data.sizes)]
        self.epoch = max(map(len, samplers))
        self.total = preset.steps or self.epoch * (preset.epochs or 0)
        check_steps(self.total, preset.warmup)
        self.done = 0
        self._encoder, self._preset, self._samplers = encoder, preset, samplers
        encode = compiled_texts(encoder.family, encoder.context_length) if preset.compile else None
        self._task = TrainingTask(encoder.model, preset.minimised(), preset.precision, encode)
        self._optimizer = torch.optim.AdamW(
            parameter_groups(encoder.model, preset.weight_decay, decay_all=preset.decay_all),
            lr=preset.learning_rate,
            betas=preset.betas,
            eps=preset.epsilon,
            fused=True,
        )
        self._scaler = torch.amp.GradScaler(encoder.device.type, enabled=preset.precision == "fp16")
        self.texts_per_step = data.texts_per_step(preset.batch_size)
        self._data, self._chunk_size = data, self._chosen_chunk_size()
        self._batches = data.batches(
            encoder, BatchPlan(samplers, self.total, seed, settings, self._chunk_size)
        )

    def run(self) -> Iterator[Step]:
        """Take the steps that are left, yielding each when it is done.

        Raises OmniNegClipError when the loss is not finite, or the GPU's memory is too small.
        """
        try:
            yield from self._steps()
            return
        except torch.cuda.OutOfMemoryError:  # whose frames hold what filled the memory until this block ends
            pass
        raise OmniNegClipError(
            f"{self._encoder.device} has too little memory for the captions of {self._at_a_time} images at a "
            f"time: set chunk_size={self._smaller_chunk()}, which trains the same, or chunk_size=auto."
        )

    def _steps(self) -> Iterator[Step]:
        device, batches = self._encoder.device, self._batches(self.done)
        if device.type == "cuda":
            batches = map(pinned, batches)
        with closing(made_ahead(batches)) as ahead:
            steps = train(
                self._backward(),
                self._optimizer,
                (moved(batch, device) for batch in ahead),
                partial(_SCHEDULES[self._preset.schedule], warmup=self._preset.warmup, total=self.total),
                range(self.done, self.total),
                scaler=self._scaler,
                clip_norm=self._preset.clip_norm,
            )
            for step in steps:
                self._encoder.family.clamp_scale()
                self.done = step.number + 1
                yield step

    def trained(self) -> dict[str, Tensor]:
        """Return the tensors of the model that train, by name."""
        return trained_of(self._encoder.model)

    def state(self) -> tuple[dict[str, Tensor], JsonObject]:
        """Return all that the rest of the run depends on beside data and preset: tensors, and JSON values."""
        metadata = {
            "done": self.done,
            "samplers": [sampler.facts for sampler in self._samplers],
            "scaler": self._scaler.state_dict(),
        }
        return tensors_of(self._encoder.model, self._optimizer) | {"random": torch.get_rng_state()}, metadata

    def restore(self, tensors: Mapping[str, Tensor], metadata: JsonObject) -> None:
        """Continue from where `state` was taken.

        Raises OmniNegClipError when it is the state of another run.
        """
        for sampler, facts in zip(self._samplers, metadata["samplers"], strict=True):
            sampler.require_same(facts)
        restore_tensors(tensors, self._encoder.model, self._optimizer)
        self._scaler.load_state_dict(metadata["scaler"])
        torch.set_rng_state(tensors["random"])
        self.done = metadata["done"]

    def _backward(self) -> Callable[[TrainingBatch, ScaleLoss], dict[str, Tensor]]:
        """Return the backward pass: in chunks, over many processes, or plain."""
        if self._chunk_size is not None:
            return self._backward_in_chunks
        if world_size() > 1:
            return backward_through(DistributedDataParallel(self._task))
        return backward_through(self._task)

    @property
    def _at_a_time(self) -> int:
        """How many images of a kind have their captions encoded at a time, in this process."""
        return self._chunk_size or -(-self._preset.batch_size // world_size())

    def _chosen_chunk_size(self) -> int | None:
        """Return the preset's chunk size; `auto` is None where the whole batch fits, as on a CPU."""
        if self._preset.chunk_size != "auto":
            return self._preset.chunk_size
        if self._encoder.device.type != "cuda":
            return None
        whole, fits = -(-self._preset.batch_size // world_size()), self._chunk_that_fits()
        return fits if fits < whole else None

    def _chunk_that_fits(self) -> int:
        rows = [sampler.batch(0)[:PROBED] for sampler in self._samplers]
        texts = self._data.lay_out(self._encoder, rows)
        task = TrainingTask(self._encoder.model, self._preset.minimised(), self._preset.precision)
        return chunk_that_fits(task.model, task.encode, moved(texts, self._encoder.device))

    def _smaller_chunk(self) -> int:
        """Return a chunk size for a GPU whose memory was too small: half of this one at most."""
        self._optimizer.zero_grad(set_to_none=True)
        half = max(1, self._at_a_time // 2)
        try:
            return min(half, self._chunk_that_fits())
        except torch.cuda.OutOfMemoryError:  # somebody else has the memory
            return 1

    def _backward_in_chunks(self, batch: TrainingBatch, scale_loss: ScaleLoss) -> dict[str, Tensor]:
        objective = partial(self._task.objective, batch=batch)
        scalars = accumulate_gradients(self._task.encode, batch.texts, objective, scale_loss)
        average_gradients(self._task.parameters())
        return scalars
