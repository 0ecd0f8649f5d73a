"""
What LiteLLM says that calls cost. Started by costs-beside-litellm.ts: cases come as JSON lines on standard input, costs
go as JSON lines to standard output.

A case is called through LiteLLM as any program would call it. On loopback stands a provider that gives the answer of the
case byte by byte, so that LiteLLM parses it itself, and the cost is the one that LiteLLM attaches to its response. Its own
price list is emptied first; each model has the prices of its case and no others.
"""

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

os.environ.update(LITELLM_LOCAL_MODEL_COST_MAP="True", LITELLM_LOG="CRITICAL", LITELLM_TELEMETRY="False")

import litellm  # noqa: E402  # it reads the environment when it is imported
from litellm.batches.batch_utils import _aggregate_batch_cost_usage_models  # noqa: E402

litellm.suppress_debug_info = True
litellm.num_retries = 0
messages = [{"role": "user", "content": "What moves the tide?"}]


class Provider(BaseHTTPRequestHandler):
    """Gives every call the answer of the case that is being asked."""

    case: dict = {}

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        body = json.dumps(self.case["answer"]).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        for name, value in self.case["headers"].items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def called(case: dict, base: str):
    """The response that LiteLLM makes of the answer, by the door that belongs to its dialect."""
    model, dialect = case["model"], case["dialect"]
    door = {"api_key": "not-a-secret", "api_base": f"{base}/v1"}
    if dialect == "openai-responses":
        return litellm.responses(model=model, input="What moves the tide?", **door)
    if dialect == "openai-embeddings":
        return litellm.embedding(model=model, input=["tide"], **door)
    if dialect == "anthropic-messages":
        door["api_base"] = base
    if dialect == "gemini":
        door["api_base"] = f"{base}/gemini"
    if dialect == "bedrock-converse":
        # Without `converse` it takes a model that its emptied list does not know for one of InvokeModel.
        model = model.replace("bedrock/", "bedrock/converse/", 1)
        door = {
            "aws_bedrock_runtime_endpoint": base,
            "aws_access_key_id": "not-a-secret",
            "aws_secret_access_key": "not-a-secret",
            "aws_region_name": "us-east-1",
        }
    return litellm.completion(model=model, messages=messages, max_tokens=64, **door)


def batch_cost(case: dict) -> float:
    """The cost of a batch of one, from the line that its result file has."""
    answer = case["answer"]
    line = {
        "custom_id": "1",
        "response": {"status_code": 200, "body": answer},
        "result": {"type": "succeeded", "message": answer},
    }
    return _aggregate_batch_cost_usage_models([line], custom_llm_provider=case["provider"]).cost


def priced(case: dict, base: str) -> dict:
    Provider.case = case
    try:
        if case["batch"]:
            return {"name": case["name"], "cost": batch_cost(case)}
        response = called(case, base)
        cost = response._hidden_params.get("response_cost")
        if cost is None:
            cost = litellm.completion_cost(completion_response=response, model=case["model"])
        return {"name": case["name"], "cost": cost}
    except Exception as cause:  # whatever it raises is its answer
        return {"name": case["name"], "cost": None, "error": f"{type(cause).__name__}: {cause}".splitlines()[0][:300]}


def main():
    cases = [json.loads(line) for line in sys.stdin]
    prices = {}
    for case in cases:
        if prices.setdefault(case["model"], case["prices"]) != case["prices"]:
            raise SystemExit(f"two cases give {case['model']} different prices")
    litellm.model_cost.clear()
    litellm.register_model(prices)
    for model, own in prices.items():
        others = [field for field in litellm.model_cost[model] if "cost" in field and field not in own]
        if others:
            raise SystemExit(f"{model} has prices of LiteLLM's own: {others}")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_address[1]}"
    for case in cases:
        print(json.dumps(priced(case, base)), flush=True)


main()
