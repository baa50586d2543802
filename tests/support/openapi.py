"""Judges an OpenAPI document, and answers by its schemas. In: {"document": …, "answers": [{"schema": name, "value": …}]}.
Out: one line for each fault; nothing when all is well."""

import json
import sys

from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

asked = json.load(sys.stdin)
document = asked["document"]
for error in OpenAPIV31SpecValidator(document).iter_errors():
    print("document:", "/".join(map(str, error.absolute_path)), error.message)
for answer in asked["answers"]:
    schema = {"$ref": "#/components/schemas/" + answer["schema"], "components": document["components"]}
    validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    for error in validator.iter_errors(answer["value"]):
        print(answer["schema"] + ":", "/".join(map(str, error.absolute_path)), error.message)
