"""JMeter's results as XML (JTL), element by element in little memory.

A sample within another one, such as a redirect or an embedded resource, is a part of it and no request of its own. The
samples of a transaction controller are requests, and the transaction is a group. Document types and entities are
refused: results have none, and they could expand to any size.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from xml.parsers import expat

from workbench.errors import UserError

from . import staged_rows, xml_samples
from .import_options import ImportOptions
from .result_file import ResultFile
from .staged_rows import MAX_TEXT_CHARACTERS, Reading
from .xml_samples import MESSAGE, Attributes, is_group

ROOT, SAMPLE_NAMES = "testResults", ("sample", "httpSample", "sampleResult")
MAX_TOKEN_BYTES = 16 * 2**20  # of one tag, which Expat reads anew with each piece; text may be longer
MAX_REFERENCE_BYTES = 12
PIECE_BYTES = 128 * 1024  # the samples of a piece fit in the cache of a core
_FORBIDDEN = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|&#(x[0-9A-Fa-f]{1,6}|[0-9]{1,7});")
_CONTROLS = bytes(code for code in range(0x20) if code not in b"\t\n\r")
MAX_DEPTH = 100  # of samples within samples


def is_head(head: str) -> bool:
    """True for the beginning of XML."""
    return head.lstrip("\ufeff \t\r\n").startswith(("<?xml", "<!DOCTYPE", f"<{ROOT}"))


def lack(line: str, options: ImportOptions) -> str:
    """What a first line that is no XML lacks; empty for a line of XML and for a blank one."""
    return "is no XML" if line.strip() and not line.lstrip().startswith("<") else ""


def read(source: ResultFile, folder: Path, staged: Path, options: ImportOptions) -> Reading:
    """Read the samples. Raises `UserError` for a document type, and where not even the first sample is whole."""
    samples, reading = _Samples(source), Reading()
    batches = _batches(source, samples, reading)
    staged_rows.write_columns((xml_samples.columns(batch, stamps_end=options.stamps_end) for batch in batches), staged)
    if samples.nested:
        reading.notes.append(f"{samples.nested:,} samples within others are parts of those, and no requests")
    return reading


class _Samples:
    """The samples of a document, as handlers of its parser collect them in `done`."""

    def __init__(self, source: ResultFile):
        self.source = source
        self.open: list[Attributes] = []
        self.done: list[Attributes] = []
        self.nested, self.number = 0, 0
        self.message: list[str] | None = None
        self.root = ""

    def parser(self) -> expat.XMLParserType:
        """A parser that calls these handlers."""
        parser = expat.ParserCreate()
        parser.StartElementHandler = self.start
        parser.EndElementHandler = self.end
        parser.CharacterDataHandler = self.text
        parser.StartDoctypeDeclHandler = self.refuse
        parser.EntityDeclHandler = self.refuse
        parser.buffer_text = True
        return parser

    def refuse(self, *_: object) -> None:
        raise UserError(f"{self.source.named} declares a document type or an entity, which results of JMeter never do; "
                        "it was not read")  # fmt: skip

    def start(self, name: str, attributes: Attributes) -> None:
        if not self.root:
            self.root = name
            if name != ROOT:
                raise UserError(f"{self.source.named} is XML with the root {name[:MAX_TEXT_CHARACTERS]!r}, and that of "
                                f"JMeter's results is {ROOT}; give those")  # fmt: skip
        elif name in SAMPLE_NAMES:
            if len(self.open) >= MAX_DEPTH:
                raise UserError(f"{self.source.named} has samples within more than {MAX_DEPTH} others; it was not read")
            self.open.append(attributes)
        elif name == MESSAGE and self.open:
            self.message = []

    def text(self, data: str) -> None:
        if self.message is not None and sum(map(len, self.message)) < MAX_TEXT_CHARACTERS:
            self.message.append(data[:MAX_TEXT_CHARACTERS])

    def end(self, name: str) -> None:
        if name == MESSAGE and self.message is not None:
            if text := "".join(self.message).strip():
                self.open[-1].setdefault(MESSAGE, text)
            self.message = None
        elif name in SAMPLE_NAMES and self.open:
            sample = self.open.pop()
            if self.open and not is_group(self.open[-1]):
                self.nested += 1
            else:
                self.number += 1
                self.done.append(sample)

    def taken(self) -> list[Attributes]:
        """The samples that were done since the last call."""
        done, self.done = self.done, []
        return done


def _batches(source: ResultFile, samples: _Samples, reading: Reading) -> Iterator[list[Attributes]]:
    """Yield the samples that are done after each piece of the file."""
    parser, fed = samples.parser(), 0
    try:
        for chunk, is_last in _repaired(source, reading):
            parser.Parse(chunk, is_last)
            fed += len(chunk)
            _require_progress(source, parser, fed)
            yield samples.taken()
    except expat.ExpatError as error:
        yield samples.taken()
        _end_early(source, samples, reading, error)


def _repaired(source: ResultFile, reading: Reading) -> Iterator[tuple[bytes, bool]]:
    """Yield the content with a question mark for each character that XML forbids, and whether it is the last piece.

    JMeter writes such characters where a response was binary. What may be the beginning of one waits for the rest.
    """
    number, rest = 0, b""

    def replacement(match: re.Match[bytes]) -> bytes:
        nonlocal number
        is_allowed = match[1] is not None and _is_character(match[1])
        number += not is_allowed
        return match[0] if is_allowed else b"?"

    with source.plain.open("rb") as file:
        while chunk := file.read(PIECE_BYTES):
            content = rest + chunk
            if b"&#" in content or len(content.translate(None, _CONTROLS)) < len(content):  # rare, and slow
                content = _FORBIDDEN.sub(replacement, content)
            cut = content.rfind(b"&", -MAX_REFERENCE_BYTES)
            end = cut if cut >= 0 and b";" not in content[cut:] else len(content)
            rest = content[end:]
            yield content[:end], False
    if number:
        reading.notes.append(f"{number:,} characters that XML forbids were replaced by question marks")
    yield rest, True


def _is_character(reference: bytes) -> bool:
    """Whether the number of a reference, `x1f` or `31`, is that of a character of XML 1.0."""
    code = int(reference[1:], 16) if reference.startswith(b"x") else int(reference)
    is_control = code < 0x20 and code not in (0x9, 0xA, 0xD)
    return not is_control and not 0xD800 <= code <= 0xDFFF and code not in (0xFFFE, 0xFFFF) and code <= 0x10FFFF


def _end_early(source: ResultFile, samples: _Samples, reading: Reading, error: expat.ExpatError) -> None:
    """Note that a document ends, or breaks, before its end. Raises `UserError` where no sample came before that."""
    if not samples.number:
        reason = expat.errors.messages[error.code]
        raise UserError(f"{source.named}, line {error.lineno}: {reason}; no sample before it is whole") from None
    reading.truncated = True
    if error.code not in (_CODES["no element found"], _CODES["unclosed token"]):
        reading.add_malformed(error.lineno)
        reading.notes.append(f"what comes after line {error.lineno:,} was not read: the XML is broken there")


_CODES = {message: code for code, message in expat.errors.messages.items()}


def _require_progress(source: ResultFile, parser: expat.XMLParserType, fed: int) -> None:
    """Raise `UserError` for a tag without end, which a parser keeps in memory."""
    if fed - parser.CurrentByteIndex > MAX_TOKEN_BYTES:
        raise UserError(f"{source.named}, line {parser.CurrentLineNumber}: a tag is longer than "
                        f"{MAX_TOKEN_BYTES >> 20} MiB; it was not read")  # fmt: skip
