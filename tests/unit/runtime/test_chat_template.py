"""Chat templates as a file's header has them, and what the turn of a reasoning model begins with."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from gguf import GGUFWriter

from microprompt import abi
from microprompt.llamacpp.weights import Weights
from microprompt.prompts.layout import Argument, Blank, Literal, Segment, lay_out

from .programs import ACT, Act, program

CHATML = r"""{%- for message in messages %}
    {%- if message.role == "assistant" and message.reasoning_content %}
        {{- '<|im_start|>assistant\n<think>\n' + message.reasoning_content + '\n</think>\n\n' }}
        {{- message.content + '<|im_end|>\n' }}
    {%- else %}
        {{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>' + '\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\n' }}
    SWITCH
{%- endif %}"""

QWEN3 = r"""{%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\n\n</think>\n\n' }}
    {%- endif %}"""
QWEN35 = r"""{%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\n\n</think>\n\n' }}
    {%- else %}
        {{- '<think>\n' }}
    {%- endif %}"""
THINKING_ONLY = r"{{- '<think>\n' }}"


def laid_out(tmp_path: Path, switch: str) -> tuple[Segment, ...]:
    """A prompt in the layout of a file whose template has `switch` where the answer begins."""
    path = tmp_path / "own.gguf"
    writer = GGUFWriter(path, "llama")
    writer.add_tokenizer_model("no_vocab")
    writer.add_vocab_size(8)
    writer.add_chat_template(CHATML.replace("SWITCH", switch))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    with closing(Weights(path, vocabulary_only=True)) as weights:
        return lay_out(program(ACT, examples={"Is it raining?": Act.question}), weights.template)


@pytest.mark.parametrize("switch", [QWEN3, QWEN35])
def test_the_answer_of_a_reasoning_model_follows_an_empty_thought(tmp_path: Path, switch: str) -> None:
    assert laid_out(tmp_path, switch) == (
        Literal(
            "<|im_start|>system\nSay what it is.\n- question: asks for something<|im_end|>\n"
            "<|im_start|>user\nInput: "
        ),
        Argument("Is it raining?"),
        Literal(
            "\nAnswer:<|im_end|>\n<|im_start|>assistant\nquestion<|im_end|>\n<|im_start|>user\nInput: "
        ),
        Blank((abi.Hole(parameter="text"),), before=" "),
        Literal("\nAnswer:<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n"),
    )


@pytest.mark.parametrize("switch", ["", THINKING_ONLY])
def test_other_models_get_no_thought(tmp_path: Path, switch: str) -> None:
    last = laid_out(tmp_path, switch)[-1]
    assert last == Literal("\nAnswer:<|im_end|>\n<|im_start|>assistant\n")
