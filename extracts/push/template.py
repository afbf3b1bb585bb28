"""A template says how one upper level wants our data: address, paths, field names, codes, measures, signature.

Templates are the files of `extracts/upper/`, or of the folder that CITYHUB_UPPER names. Addresses and
secrets are names.
"""

from __future__ import annotations

import hashlib
import os
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from cityhub.errors import Usage
from extracts.codes import ours
from extracts.codes.lists import NAMES as LISTS
from extracts.codes.lists import SENDABLE
from extracts.datasets import DATASETS

FOLDER = Path(__file__).parent.parent / "upper"
Confidence = Literal["seen", "seen-1", "derived", "memory"]


class Model(BaseModel):
    """Unknown keys are errors: a typing mistake must not be ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True, ignored_types=(cached_property,))


class NoSign(Model):
    """The endpoint asks for nothing, or the way to it proves who we are (mTLS, a closed line)."""

    kind: Literal["none"] = "none"


class Bearer(Model):
    """A fixed token; `token` is the name of a secret."""

    kind: Literal["bearer"]
    token: str


class Signed(Model):
    """Headers over a text that both sides can make. `text` may hold `{key}`, `{time}` (ms), `{method}`, `{path}`,
    `{body_sha256}` and `{secret}`; `hash` is made of it: with `hmac_sha256` the secret is the key, `ed25519` signs with
    the installation's extract key. `headers`: header → a text with the same names and `{signature}`."""

    kind: Literal["signed"]
    key: str | None = Field(None, description="name of the secret that holds the application key")
    secret: str | None = Field(None, description="name of the secret")
    text: str
    hash: Literal["sha256", "sm3", "md5", "hmac_sha256", "ed25519"]
    encoding: Literal["hex", "base64"] = "hex"
    headers: dict[str, str]


class Measure(Model):
    """What a measure of ours is upward: its name there, and what our number is multiplied by."""

    to: str
    times: Decimal = Decimal(1)


class FieldRule(Model):
    """One field of a record upward: from a column of ours, or a constant.

    `codes` names a table of this template, `list` one of the hub's lists of codes, `words` a column of
    extracts/codes/data/ours.yaml, which says the class of each of our words. A value that has none there is a finding,
    the row stays; so is one whose confidence is below `min_confidence` (of the field, else of the template). `kind`:
    part or matter, for classes; `kind_from`: the column that says which. `convert`: by `measures`. `remove`: characters
    to take out (`-` makes 2026-11 202611).
    """

    from_: str | None = Field(None, alias="from")
    const: str | int | bool | None = None
    codes: str | None = None
    list: str | None = None
    words: str | None = None
    kind: Literal["part", "matter"] | None = None
    kind_from: str | None = None
    min_confidence: Confidence | None = None
    convert: bool = False
    as_: Literal["keep", "text", "number"] = Field("keep", alias="as")
    places: Annotated[int, Field(ge=0, le=18)] | None = None
    remove: str = ""
    required: bool = False

    @model_validator(mode="after")
    def _one_source(self) -> FieldRule:
        if (self.from_ is None) == (self.const is None):
            raise ValueError("a field is `from` a column or `const`, one of them")
        if self.list is not None and self.list not in LISTS:
            raise ValueError(f"no list of codes {self.list}; there are {', '.join(LISTS)}")
        if self.words is not None and self.words not in ours.columns():
            raise ValueError(f"no words of {self.words}; there are {', '.join(ours.columns())}")
        return self


class DatasetRule(Model):
    """How one dataset goes up. `fields: all` sends our columns as they are. `where`: only rows with these values, `*`
    stands for anything; `leave_out`: never rows with these values, because somebody decided so."""

    path: str
    fields: dict[str, FieldRule] | Literal["all"]
    where: dict[str, list[str]] = {}
    leave_out: dict[str, list[str]] = {}


class Body(Model):
    """The envelope of a batch. `op_at`: field of each record that says what it is, in the words of `ops`."""

    rows_at: str = "data"
    fixed: dict[str, str | int | bool] = {}
    batch_at: str | None = None
    count_at: str | None = None
    sequence_at: str | None = None
    op_at: str = "op"
    ops: dict[Literal["insert", "revise", "delete"], str] = {
        "insert": "insert",
        "revise": "revise",
        "delete": "delete",
    }


class AnswerRule(Model):
    """How the endpoint says that it took a batch. Without `ok_at` the HTTP status says it all. Places are dotted paths;
    `rejected_at`: a list of records it refused, each with its place in the batch (`index_at`, from 0) and a reason."""

    ok_at: str | None = None
    ok: list[str] = ["0"]
    again: list[str] = []
    message_at: str = "message"
    receipt_at: str | None = None
    rejected_at: str | None = None
    index_at: str = "index"
    reason_at: str = "reason"


class Template(Model):
    """One upper level."""

    target: Annotated[str, Field(pattern=r"[a-z][a-z0-9-]{0,40}")]
    title: dict[Literal["zh", "en"], str]
    confidence: str
    address: str = Field(description="name of the address, looked up as addresses of feeds are")
    batch: Annotated[int, Field(ge=1, le=10_000)] = 500
    timeout_s: float = 30
    rate_per_s: float = 5
    retries: Annotated[int, Field(ge=0, le=10)] = 3
    idempotency_header: str = "Idempotency-Key"
    sign: Annotated[NoSign | Bearer | Signed, Field(discriminator="kind")] = NoSign()
    body: Body = Body()
    answer: AnswerRule = AnswerRule()
    datasets: dict[str, DatasetRule]
    codes: dict[str, dict[str, str]] = {}
    measures: dict[str, Measure] = {}
    min_confidence: Confidence = Field(SENDABLE, description="codes of lists that are less sure stay here, as findings")

    @model_validator(mode="after")
    def _names_are_known(self) -> Template:
        for name, rule in self.datasets.items():
            if name not in DATASETS:
                raise ValueError(f"no dataset {name}; there are {', '.join(DATASETS)}")
            known = {column.name for column in DATASETS[name].columns} | {"measure"}
            columns = {*rule.where, *rule.leave_out}
            for field in rule.fields.values() if rule.fields != "all" else ():
                columns |= {name for name in (field.from_, field.kind_from) if name}
                if field.codes is not None and field.codes not in self.codes:
                    raise ValueError(f"{name}: no table of codes {field.codes} in this template")
                if (field.convert or field.from_ == "measure") and "code" not in known:
                    raise ValueError(f"{name} has no indicators, so no measures")
            if columns - known:
                raise ValueError(f"{name} has no column {', '.join(sorted(columns - known))}")
        return self


def fingerprint(template: Template, dataset: str) -> str:
    """Identity of all that shapes a record of the dataset: with another one, all records are sent again."""
    parts = (
        template.model_dump_json(include={"codes", "measures", "min_confidence"}),
        template.datasets[dataset].model_dump_json(),
    )
    return hashlib.sha256("\n".join((*parts, template.body.model_dump_json())).encode()).hexdigest()


def folder() -> Path:
    """Where templates are."""
    return Path(os.environ.get("CITYHUB_UPPER") or FOLDER)


def read(target: str) -> Template:
    """The template of a target; raises `Usage` CH-PUSHUP-001 where there is none, CH-PUSHUP-002 for a wrong one."""
    known = sorted(path.stem for path in folder().glob("*.yaml"))
    if target not in known:
        raise Usage("CH-PUSHUP-001", target=target[:60], folder=str(folder()), found=", ".join(known) or "none")
    return parse(folder() / f"{target}.yaml")


def parse(path: Path) -> Template:
    """The template of a file; raises `Usage` CH-PUSHUP-002."""
    try:
        found = Template.model_validate(YAML(typ="safe").load(path.read_text(encoding="utf-8")))
    except (ValidationError, YAMLError) as error:
        raise Usage("CH-PUSHUP-002", file=path.name, detail=_said(error)) from None
    if found.target != path.stem:
        raise Usage("CH-PUSHUP-002", file=path.name, detail=f"target is {found.target}, the file says {path.stem}")
    return found


def _said(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
    return " ".join(str(error).split())[:300]
