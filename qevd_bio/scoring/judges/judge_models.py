"""Judges: models behind an OpenAI-compatible endpoint, and Hugging Face models on this machine."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from pathlib import Path
from typing import Any

from qevd_bio.scoring.judges.llm_accuracy import Judge, JudgeAnswer, JudgeQuestion
from qevd_bio.scoring.options import JudgeOptions
from qevd_bio.store.errors import UserError
from qevd_bio.store.extras import is_installed


def make_judges(options: JudgeOptions, cache: Path | None) -> list[Judge]:
    """One judge for each name in `options.models`: a folder is a local model, any other name is asked at the URL."""
    judges: list[Judge] = []
    for name in options.models:
        if (Path(name).expanduser() / "config.json").is_file():
            judges.append(LocalJudge(Path(name).expanduser(), options))
        else:
            judges.append(ServedJudge(name, options, cache))
    return judges


def missing_for_judging(options: JudgeOptions) -> str | None:
    """What is missing to ask a judge, with what mends it; None if all is there."""
    if not options.models:
        return (
            "needs a judge: --judge FOLDER with a Hugging Face model, or --judge MODEL with --judge-url URL "
            "(published: meta-llama/Meta-Llama-3-70B-Instruct)"
        )
    served = [m for m in options.models if not (Path(m).expanduser() / "config.json").is_file()]
    if served and options.base_url is None:
        return f"judge {served[0]} is no folder with a model, and no --judge-url is given"
    if served and not is_installed("openai"):
        return "needs openai: pip install 'qevd-bio[language]'"
    local = [m for m in options.models if m not in served]
    if local and not (is_installed("torch") and is_installed("transformers")):
        return "needs torch and transformers: pip install 'qevd-bio[train]'"
    return None


class ServedJudge:
    """A model at an OpenAI-compatible endpoint; replies are kept in the cache and never paid twice."""

    def __init__(self, model: str, options: JudgeOptions, cache: Path | None) -> None:
        self._model = model
        self._options = options
        self._cache = cache

    @property
    def name(self) -> str:
        """Name of the model, as the server knows it."""
        return self._model

    def ask(self, questions: Iterable[JudgeQuestion]) -> Generator[JudgeAnswer]:
        """Answers in the order of completion. Raises UserError where the endpoint refuses or cannot be reached."""
        from qevd_bio.language.client import complete_many
        from qevd_bio.language.options import ClientOptions
        from qevd_bio.language.request import Message, Request, Sampling

        waiting: dict[str, JudgeQuestion] = {}

        def requests() -> Iterator[Request]:
            for question in questions:
                key = f"{question.pair}/{question.repeat}"
                waiting[key] = question
                yield Request(
                    id=key,
                    messages=tuple(Message(role, (text,)) for role, text in question.turns),
                    sampling=Sampling(
                        self._options.temperature, self._options.top_p, self._options.max_tokens, question.seed
                    ),
                    sample=question.repeat,
                    prompt_hash=question.prompt_hash,
                )

        client = ClientOptions(
            url=self._options.base_url or ClientOptions.url,
            model=self._model,
            stage="score",
            cache=self._cache,
            structured="text",
            tries=1,
            max_calls=self._options.max_calls,
        )
        with complete_many(requests(), client) as replies:
            for reply in replies:
                question = waiting.pop(reply.id)
                yield JudgeAnswer(question.pair, question.repeat, reply.text, "" if reply.ok else reply.reason)


class LocalJudge:
    """A causal language model in a folder, asked one question after the other with its own chat template."""

    def __init__(self, folder: Path, options: JudgeOptions) -> None:
        self._folder = folder
        self._options = options
        self._loaded: tuple[Any, Any] | None = None

    @property
    def name(self) -> str:
        """Name of the model's folder."""
        return self._folder.name

    def ask(self, questions: Iterable[JudgeQuestion]) -> Generator[JudgeAnswer]:
        """Answers in the order of the questions; each is seeded by itself, so that their order does not matter."""
        import torch

        tokenizer, model = self._load()
        for question in questions:
            text = self._chat(tokenizer, question)
            inputs = tokenizer(text, return_tensors="pt", add_special_tokens=tokenizer.chat_template is None)
            inputs = inputs.to(model.device)
            torch.manual_seed(question.seed * 1_000_003 + question.pair)
            sampled = self._options.temperature > 0
            drawn = {"temperature": self._options.temperature, "top_p": self._options.top_p} if sampled else {}
            with torch.inference_mode():
                output = model.generate(
                    **inputs,
                    max_new_tokens=self._options.max_tokens,
                    do_sample=sampled,
                    pad_token_id=tokenizer.pad_token_id or tokenizer.eos_token_id,
                    **drawn,
                )
            reply = tokenizer.decode(output[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
            yield JudgeAnswer(question.pair, question.repeat, reply, "" if reply.strip() else "empty")

    def _chat(self, tokenizer: Any, question: JudgeQuestion) -> str:
        if tokenizer.chat_template is None:
            return "\n\n".join(text for _, text in question.turns) + "\n"
        marks = [mark for mark in tokenizer.all_special_tokens if len(mark) > 1]
        turns = [{"role": role, "content": _without(marks, text)} for role, text in question.turns]
        return str(tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False))

    def _load(self) -> tuple[Any, Any]:
        if self._loaded is None:
            import torch
            from transformers import AutoModelForCausalLM, AutoTokenizer

            try:
                tokenizer = AutoTokenizer.from_pretrained(self._folder, local_files_only=True)
                model: Any = AutoModelForCausalLM.from_pretrained(self._folder, local_files_only=True, dtype="auto")
            except (OSError, ValueError, KeyError, ImportError, RuntimeError) as error:
                raise UserError(
                    f"the judge cannot be loaded ({str(error).splitlines()[0][:200]})",
                    where=self._folder,
                    expected="a causal language model in Hugging Face's layout",
                    fix="name another one with --judge",
                ) from error
            model.to("cuda" if torch.cuda.is_available() else "cpu").eval()
            self._loaded = (tokenizer, model)
        return self._loaded


def _without(marks: list[str], text: str) -> str:
    """`text` with a blank inside each special token of the judge's tokenizer: it is read as plain characters."""
    for mark in marks:
        text = text.replace(mark, f"{mark[0]} {mark[1:]}")
    return text
