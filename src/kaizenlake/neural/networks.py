"""Networks in folders: read with the adapters that stand on them, and written as safetensors and JSON alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from kaizenlake.neural import offline_and_quiet
from kaizenlake.training.error_codes import LearningError

ADAPTER_FILE: Final = "adapter_config.json"
_PICKLES: Final = (".bin", ".pt", ".pth", ".pkl", ".ckpt", ".pickle")
_KEPT: Final = (".json", ".safetensors", ".txt")


@dataclass(frozen=True)
class NetworkFiles:
    """Where a network lies: a whole one, and the adapters that stand on it, the lowest first.

    Args:
        name: What it is called, as name@version.
        folders: Folder of the whole network, then those of adapters.
    """

    name: str
    folders: tuple[Path, ...]


def is_adapter(folder: Path) -> bool:
    """Return whether a folder holds an adapter, which needs the network that it stands on."""
    return (folder / ADAPTER_FILE).is_file()


def base_of(folder: Path) -> str:
    """Return the network that an adapter stands on, as name@version; an empty text where it names none."""
    try:
        said = json.loads((folder / ADAPTER_FILE).read_bytes()).get("base_model_name_or_path")
    except (OSError, ValueError, AttributeError):
        return ""
    return said if isinstance(said, str) else ""


def read_network(files: NetworkFiles, *, as_reward: bool = False) -> Any:
    """Return a network with its adapters merged into it, in single precision.

    Args:
        files: Where it lies.
        as_reward: Read it as one that gives a text a number.

    Raises:
        LearningError: It cannot be read (E7506), or a file of it is a pickle.
    """
    with offline_and_quiet():
        import torch
        from peft import PeftModel
        from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

        for folder in files.folders:
            if found := sorted(file.name for file in folder.rglob("*") if file.suffix in _PICKLES):
                raise LearningError("E7506", f"{files.name} holds {found[0]}, which may run code when it is loaded.")
        kind: Any = AutoModelForSequenceClassification if as_reward else AutoModelForCausalLM
        more = {"num_labels": 1} if as_reward else {}
        try:
            network = kind.from_pretrained(
                files.folders[0],
                dtype=torch.float32,
                use_safetensors=True,
                trust_remote_code=False,
                local_files_only=True,
                **more,
            )
            for folder in files.folders[1:]:
                network = PeftModel.from_pretrained(network, folder, local_files_only=True).merge_and_unload()
        except (OSError, ValueError, KeyError, RuntimeError, TypeError) as error:
            raise LearningError("E7506", f"{files.name} cannot be read as a network: {_first_line(error)}.") from error
        return network


def read_tokenizer(files: NetworkFiles) -> Any:
    """Return the tokenizer that lies with a network, that of the highest adapter which has one; it pads.

    Raises:
        LearningError: There is none, or it has no end of text (E7506).
    """
    with offline_and_quiet():
        from transformers import AutoTokenizer

        folders = [folder for folder in reversed(files.folders) if (folder / "tokenizer_config.json").is_file()]
        if not folders:
            raise LearningError(
                "E7506", f"{files.name} has no tokenizer beside it (tokenizer.json, tokenizer_config.json)."
            )
        try:
            found = AutoTokenizer.from_pretrained(folders[0], trust_remote_code=False, local_files_only=True)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise LearningError(
                "E7506", f"The tokenizer of {files.name} cannot be read: {_first_line(error)}."
            ) from error
        if found.eos_token is None:
            raise LearningError("E7506", f"The tokenizer of {files.name} knows no end of text (eos_token).")
        if found.pad_token is None:
            found.pad_token = found.eos_token
        return found


def write_network(network: Any, tokenizer: Any, folder: Path, *, base: str = "") -> None:
    """Write a network, or the adapter on it, as safetensors and JSON; the same network is always the same bytes.

    Args:
        network: What is written: a whole one, or one with an adapter.
        tokenizer: What it reads texts with.
        folder: Where it goes.
        base: What an adapter stands on, as name@version.
    """
    with offline_and_quiet():
        network.save_pretrained(folder)
        tokenizer.save_pretrained(folder, save_jinja_files=False)
    for file in sorted(folder.rglob("*")):
        if file.is_file() and file.suffix not in _KEPT:
            file.unlink()
    for file in sorted(folder.glob("*config.json")):
        said = json.loads(file.read_bytes())
        said.pop("_name_or_path", None)
        if file.name == ADAPTER_FILE:
            said["base_model_name_or_path"] = base
            for name in ("target_modules", "modules_to_save"):
                said[name] = sorted(said[name]) if isinstance(said.get(name), list) else said.get(name)
        file.write_text(json.dumps(said, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def hash_folder(folder: Path) -> str:
    """Return SHA-256 over the names and hashes of all files of a folder."""
    whole = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        whole.update(f"{file.relative_to(folder).as_posix()}\0{content}\n".encode())
    return whole.hexdigest()


def weigh(files: NetworkFiles) -> int:
    """Return how many bytes the weights of a network have on the disk."""
    return sum(file.stat().st_size for folder in files.folders for file in folder.rglob("*.safetensors"))


def count_parameters(network: Any) -> int:
    """Return how many numbers a network holds, each once."""
    return sum(part.numel() for part in network.parameters())


def text_function(files: NetworkFiles, *, max_new_tokens: int = 64) -> Callable[[str], str]:
    """Return a network as a function from a text to what it says to it: always its likeliest words.

    Args:
        files: Where it lies.
        max_new_tokens: Most tokens that it says.
    """
    network, tokenizer = read_network(files).eval(), read_tokenizer(files)

    def say(text: str) -> str:
        import torch

        given = tokenizer(text, return_tensors="pt")
        with torch.no_grad(), offline_and_quiet():
            said = network.generate(
                input_ids=given["input_ids"],
                attention_mask=given["attention_mask"],
                do_sample=False,
                max_new_tokens=max_new_tokens,
                pad_token_id=tokenizer.pad_token_id,
                eos_token_id=tokenizer.eos_token_id,
            )
        return str(tokenizer.decode(said[0][given["input_ids"].shape[1] :], skip_special_tokens=True))

    return say


def reward_function(files: NetworkFiles) -> Callable[[Sequence[str]], list[float]]:
    """Return a reward model as a function from texts to numbers: a prompt and its answer, joined.

    Args:
        files: Where it lies; the last folder is that of the reward model.
    """
    import torch

    below = NetworkFiles(files.name, files.folders[:-1])
    network = read_network(below, as_reward=True)
    tokenizer = read_tokenizer(files)
    with offline_and_quiet():
        from peft import PeftModel

        network = PeftModel.from_pretrained(network, files.folders[-1], local_files_only=True).eval()
    network.config.pad_token_id = tokenizer.pad_token_id

    def judge(texts: Sequence[str]) -> list[float]:
        found = []
        for text in texts:
            ids = [*tokenizer(text)["input_ids"], tokenizer.eos_token_id]
            with torch.no_grad():
                found.append(float(network(input_ids=torch.tensor([ids])).logits[0, 0]))
        return found

    return judge


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300].rstrip(".")
