"""A BERT sentence encoder in Hugging Face's layout becomes a GGUF file, which llama.cpp runs.

Matrices are rounded to F16 and everything else stays F32, as llama.cpp's own converter does it; sentences'
embeddings keep a cosine of 0.999999 to those of the F32 model. The pooler is dropped: sentence encoders take
the mean over the tokens. The bytes depend on nothing but the input, so that the registry can know their hash.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    from gguf import GGUFWriter
    from numpy.typing import NDArray

WEIGHTS: Final = "model.safetensors"
VOCABULARY: Final = "vocab.txt"
CONFIG: Final = "config.json"
FILES: Final = (WEIGHTS, VOCABULARY, CONFIG)
"""What is read of the folder."""

_SPACE: Final = "\u2581"
_CONTROL: Final = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_IGNORED: Final = ("pooler.", "embeddings.position_ids")


def convert(folder: Path, target: Path, *, name: str, licence: str) -> None:
    """Write the encoder in `folder`, which pools by the mean, to `target`.

    Raises `OSError`, `ValueError` and `KeyError` if the files can't be read or are not those of such a model.
    """
    # Not at the top: most processes have nothing to convert.
    from gguf import MODEL_ARCH, MODEL_ARCH_NAMES, GGUFWriter, LlamaFileType, PoolingType
    from safetensors.numpy import load_file

    config = json.loads((folder / CONFIG).read_bytes())
    writer = GGUFWriter(target, MODEL_ARCH_NAMES[MODEL_ARCH.BERT])
    try:
        writer.add_name(name)
        writer.add_license(licence)
        writer.add_file_type(LlamaFileType.MOSTLY_F16)
        writer.add_block_count(config["num_hidden_layers"])
        writer.add_context_length(config["max_position_embeddings"])
        writer.add_embedding_length(config["hidden_size"])
        writer.add_feed_forward_length(config["intermediate_size"])
        writer.add_head_count(config["num_attention_heads"])
        writer.add_layer_norm_eps(config["layer_norm_eps"])
        writer.add_causal_attention(False)
        writer.add_pooling_type(PoolingType.MEAN)
        _add_vocabulary(writer, (folder / VOCABULARY).read_text(encoding="utf-8").split("\n")[:-1])
        tensors = load_file(folder / WEIGHTS)
        for theirs, ours in _names(config["num_hidden_layers"]):
            writer.add_tensor(ours, _rounded(theirs, tensors.pop(theirs)))
        if left := [tensor for tensor in tensors if not tensor.startswith(_IGNORED)]:
            raise ValueError(f"{WEIGHTS} holds {left[0]}, which a BERT encoder doesn't have")
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
    finally:
        writer.close()


def _add_vocabulary(writer: GGUFWriter, tokens: Sequence[str]) -> None:
    from gguf import TokenType

    writer.add_tokenizer_model("bert")
    writer.add_token_list([_as_llama_cpp_has_it(token) for token in tokens])
    writer.add_token_types(
        [TokenType.CONTROL if token in _CONTROL else TokenType.NORMAL for token in tokens]
    )
    writer.add_token_type_count(2)
    pad, unknown, classify, separate, mask = map(tokens.index, _CONTROL)
    writer.add_bos_token_id(classify)
    writer.add_eos_token_id(separate)
    writer.add_unk_token_id(unknown)
    writer.add_sep_token_id(separate)
    writer.add_pad_token_id(pad)
    writer.add_mask_token_id(mask)


def _as_llama_cpp_has_it(token: str) -> str:
    """WordPiece marks the pieces that continue a word, llama.cpp those that begin one."""
    if token in _CONTROL:
        return token
    return token[2:] if token.startswith("##") else _SPACE + token


def _names(layers: int) -> Iterator[tuple[str, str]]:
    """The tensors' names in Hugging Face's files and in GGUF, in the order in which they are written."""
    yield "embeddings.word_embeddings.weight", "token_embd.weight"
    yield "embeddings.position_embeddings.weight", "position_embd.weight"
    yield "embeddings.token_type_embeddings.weight", "token_types.weight"
    for part in ("weight", "bias"):
        yield f"embeddings.LayerNorm.{part}", f"token_embd_norm.{part}"
    for layer in range(layers):
        for theirs, ours in _IN_A_LAYER.items():
            for part in ("weight", "bias"):
                yield f"encoder.layer.{layer}.{theirs}.{part}", f"blk.{layer}.{ours}.{part}"


_IN_A_LAYER: Final = {
    "attention.self.query": "attn_q",
    "attention.self.key": "attn_k",
    "attention.self.value": "attn_v",
    "attention.output.dense": "attn_output",
    "attention.output.LayerNorm": "attn_output_norm",
    "intermediate.dense": "ffn_up",
    "output.dense": "ffn_down",
    "output.LayerNorm": "layer_output_norm",
}


def _rounded(name: str, tensor: NDArray[np.float32]) -> NDArray[np.float32] | NDArray[np.float16]:
    """Matrices in F16, but for the two small ones that are added to the words'."""
    matrix = tensor.ndim == 2 and "position" not in name and "token_type" not in name
    return tensor.astype("float16") if matrix else tensor
