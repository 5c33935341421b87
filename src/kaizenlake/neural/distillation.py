"""Distillation: a smaller student learns the chances that a teacher gives to every next token.

The loss is the Kullback-Leibler divergence of the student from the teacher at a temperature, times its square (Hinton, Vinyals
and Dean 2015), and a tenth part the loss of the rows' own words.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from kaizenlake.neural import networks
from kaizenlake.training.error_codes import LearningError

if TYPE_CHECKING:
    from kaizenlake.neural.trainers import TrainingOrder

OWN_WORDS: Final = 0.1
"""Weight of the rows' own words in the loss."""

IGNORED: Final = -100
_JUDGED: Final = 64
"""Most rows on which student and teacher are compared at the end."""


def build(order: TrainingOrder, watcher: Any) -> tuple[Any, Callable[[], dict[str, float]]]:
    """Return the trainer, and what compares student and teacher at the end.

    Raises:
        LearningError: Teacher and student read texts in other ways (E7601), or the student is not the smaller one (E7602).
    """
    import torch
    from torch.nn import functional
    from transformers import Trainer, TrainingArguments

    from kaizenlake.neural.trainers import shared_arguments

    assert order.teacher is not None, "a command asks for it"
    student, tokenizer = networks.read_network(order.base), networks.read_tokenizer(order.base)
    teacher = networks.read_network(order.teacher).eval()
    if networks.read_tokenizer(order.teacher).get_vocab() != tokenizer.get_vocab():
        raise LearningError("E7601", f"{order.teacher.name} and {order.base.name} have other vocabularies.")
    sizes = networks.count_parameters(teacher), networks.count_parameters(student)
    if sizes[1] >= sizes[0]:
        raise LearningError(
            "E7602",
            f"The student {order.base.name} has {sizes[1]:,} parameters, the teacher {order.teacher.name} {sizes[0]:,}.",
        )
    heat = order.config.temperature

    class DistillationTrainer(Trainer):  # type: ignore[misc, unused-ignore]
        def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False, **more: Any) -> Any:  # noqa: ARG002, FBT001, FBT002 - of the library
            labels = inputs.pop("labels")[:, 1:]
            said = model(**inputs)
            with torch.no_grad():
                taught = teacher.to(said.logits.device)(**inputs).logits[:, :-1]
            mine = said.logits[:, :-1]
            told = labels != IGNORED
            apart = functional.kl_div(
                functional.log_softmax(mine[told] / heat, dim=-1),
                functional.log_softmax(taught[told] / heat, dim=-1),
                log_target=True,
                reduction="batchmean",
            )
            own = functional.cross_entropy(mine[told], labels[told])
            loss = (1 - OWN_WORDS) * heat**2 * apart + OWN_WORDS * own
            return (loss, said) if return_outputs else loss

    rows = [encode(row, tokenizer, order.config.max_seq_length) for row in order.rows]
    trainer = DistillationTrainer(
        model=student,
        args=TrainingArguments(**shared_arguments(order), remove_unused_columns=False),
        train_dataset=rows,
        data_collator=lambda part: pad(part, tokenizer.pad_token_id),
        processing_class=tokenizer,
        callbacks=[watcher],
    )

    def judge() -> dict[str, float]:
        return compare(trainer.model.eval(), teacher, rows[:_JUDGED]) | {
            "teacher_parameters": float(sizes[0]),
            "student_parameters": float(sizes[1]),
            "size_ratio": sizes[1] / sizes[0],
        }

    return trainer, judge


def encode(row: dict[str, Any], tokenizer: Any, longest: int) -> dict[str, list[int]]:
    """Return a row as tokens, with labels where it is to be learnt from: its completion, or all of it."""
    if "messages" in row:
        text = tokenizer.apply_chat_template(row["messages"], tools=row.get("tools"), tokenize=False)
        asked, ids = 0, tokenizer(text, add_special_tokens=False)["input_ids"]
    elif "prompt" in row:
        before = tokenizer(row["prompt"])["input_ids"]
        ids = [*before, *tokenizer(row["completion"], add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
        asked = len(before)
    else:
        asked, ids = 0, [*tokenizer(row["text"])["input_ids"], tokenizer.eos_token_id]
    labels = [*[IGNORED] * asked, *ids[asked:]]
    return {"input_ids": ids[:longest], "labels": labels[:longest]}


def pad(rows: Sequence[dict[str, list[int]]], padding: int) -> dict[str, Any]:
    """Return rows as tensors of one length."""
    import torch

    width = max(len(row["input_ids"]) for row in rows)

    def fill(name: str, value: int) -> Any:
        return torch.tensor([[*row[name], *[value] * (width - len(row[name]))] for row in rows])

    lengths = torch.tensor([len(row["input_ids"]) for row in rows])
    mask = (torch.arange(width)[None, :] < lengths[:, None]).long()
    return {"input_ids": fill("input_ids", padding), "labels": fill("labels", IGNORED), "attention_mask": mask}


def compare(student: Any, teacher: Any, rows: Sequence[dict[str, list[int]]]) -> dict[str, float]:
    """Return how often both think the same token the likeliest, and how much of the teacher's time the student takes.

    Args:
        student: What learnt.
        teacher: What it learnt from.
        rows: Rows of `encode`.
    """
    import torch

    same = total = 0
    took = {"student": 0.0, "teacher": 0.0}
    for row in rows:
        ids = torch.tensor([row["input_ids"]], device=student.device)
        told = torch.tensor(row["labels"][1:]) != IGNORED
        said = {}
        with torch.no_grad():
            for name, network in (("student", student), ("teacher", teacher.to(student.device))):
                began = time.perf_counter()
                said[name] = network(input_ids=ids).logits[0, :-1].argmax(dim=-1).cpu()
                took[name] += time.perf_counter() - began
        same += int((said["student"] == said["teacher"])[told].sum())
        total += int(told.sum())
    return {
        **({"agreement_rate": same / total} if total else {}),
        **({"latency_ratio": took["student"] / took["teacher"]} if took["teacher"] > 0 else {}),
    }
