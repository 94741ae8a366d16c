"""Which call a request is, and how a service says no."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

_S3 = {"GET": "GetObject", "PUT": "PutObject", "DELETE": "DeleteObject", "HEAD": "HeadObject"}


@dataclass(frozen=True, slots=True)
class Call:
    service: str
    """As IAM names it: `ec2`, `elasticloadbalancing`."""
    action: str
    region: str
    dry: bool = False
    values: frozenset[str] = frozenset()
    """All texts among the parameters but those of filters: what fits none is no error."""

    @property
    def name(self) -> str:
        return f"{self.service}:{self.action}"


def read(environ: dict[str, Any]) -> Call | None:
    """None: no signed request. The body is left as it was."""
    scope = re.search(
        r"Credential=[^/]+/\d+/([^/]+)/([^/]+)/aws4_request", environ.get("HTTP_AUTHORIZATION", "")
    )
    if scope is None:
        return None
    region, service = scope[1], scope[2]
    if service == "s3":
        method = environ["REQUEST_METHOD"]
        in_bucket = len(environ.get("PATH_INFO", "").strip("/").split("/")) > 1
        return Call("s3", _S3.get(method, method) if in_bucket else f"{method}Bucket", region)
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    if target:
        return Call(service, target.rpartition(".")[2], region)
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body = environ["wsgi.input"].read(length)
    environ["wsgi.input"] = io.BytesIO(body)
    form = parse_qs(body.decode("utf-8", "replace"))
    dry = form.get("DryRun", ["false"])[0] == "true"
    named = (given for key, given in form.items() if not key.startswith("Filter."))
    values = frozenset(value for given in named for value in given)
    return Call(service, form.get("Action", ["?"])[0], region, dry, values)


def refusal(call: Call, code: str, message: str) -> tuple[int, Mapping[str, str], bytes]:
    """Status, fields and body."""
    busy = ("Throttl", "RequestLimitExceeded", "ServiceUnavailable")
    status = 503 if any(one in code for one in busy) else 500 if "Internal" in code else 400
    if call.service in ("ssm", "servicequotas"):
        body = json.dumps({"__type": code, "message": message}).encode()
        return (
            status,
            {"Content-Type": "application/x-amz-json-1.1", "x-amzn-errortype": code},
            body,
        )
    xml = {"Content-Type": "text/xml"}
    if call.service == "ec2":
        text = (
            f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error>"
            "</Errors><RequestID>local</RequestID></Response>"
        )
    elif call.service == "s3":
        text = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    else:
        text = (
            f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code>"
            f"<Message>{message}</Message></Error><RequestId>local</RequestId></ErrorResponse>"
        )
    return status, xml, text.encode()
