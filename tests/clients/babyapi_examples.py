"""Every Python example of BabyAPI's document, line breaks aside, and what each prints.

The demo server answers: it says back what it was told.
"""

from __future__ import annotations

from typing import NamedTuple


class Example(NamedTuple):
    """One example.

    Attributes:
        name: Where it stands in the document.
        source: Its text.
        prints: What it prints.
        has_client: Whether it makes its client, or uses that of an earlier one.
    """

    name: str
    source: str
    prints: str
    has_client: bool = False


CLIENT = """\
import os
from babyapi import BabyAPI

client = BabyAPI(
    api_key=os.getenv("BABYAPI_API_KEY"),
    default_model="mistral",  # so you can call baby.infer("...") without specifying model
)
"""

EXAMPLES = [
    Example(
        "quick start",
        CLIENT
        + """
out = client.baby.infer(
    {
        "prompt": "Write a 1-line release note title for BabyAPI.",
        "maxTokens": 40,
        "temperature": 0.5,
    }
)
print(out["output"])
print(out.get("usage"))
""",
        "You said: Write a 1-line release note title for BabyAPI.\n"
        "{'prompt_tokens': 8, 'completion_tokens': 10, 'total_tokens': 18}\n",
        has_client=True,
    ),
    Example(
        "raw string",
        """\
out = client.baby.infer("Explain BabyAPI in one sentence.")
print(out["output"])
""",
        "You said: Explain BabyAPI in one sentence.\n",
    ),
    Example(
        "supported options",
        """\
out = client.baby.infer(
    {
        "model": "mistral",
        "prompt": "Give 3 calm API principles.",
        "options": {"topP": 0.9, "max_tokens": 80},
    }
)
print(out["output"])
""",
        "You said: Give 3 calm API principles.\n",
    ),
    Example(
        "one method for both",
        """\
chat_res = client.infer(
    {
        "model": "mistral",
        "messages": [{"role": "user", "content": "One-line slogan for BabyAPI?"}],
    }
)
print(chat_res["choices"][0]["message"]["content"])
comp_res = client.infer(
    model="mistral",
    prompt="Give 3 product names for a tiny LLM SDK.",
    max_tokens=60,
)
print(comp_res["choices"][0]["text"])
""",
        "You said: One-line slogan for BabyAPI?\n"
        "You said: Give 3 product names for a tiny LLM SDK.\n",
    ),
    Example(
        "chat completions",
        """\
res = client.chat.completions.create(
    model="mixtral",
    messages=[
        {"role": "system", "content": "You are concise."},
        {"role": "user", "content": "Give me 3 tagline ideas for a tiny LLM API."},
    ],
    temperature=0.7,
)
print(res["choices"][0]["message"]["content"])
""",
        "You said: Give me 3 tagline ideas for a tiny LLM API.\n",
    ),
    Example(
        "completions",
        """\
res = client.completions.create(
    model="mistral",
    prompt="Write a friendly release note opener for BabyAPI.",
    max_tokens=120,
    temperature=0.7,
)
print(res["choices"][0]["text"])
""",
        "You said: Write a friendly release note opener for BabyAPI.\n",
    ),
    Example(
        "embeddings",
        """\
res = client.embeddings.create(
    model="qwen3-embedding",
    input="BabyAPI makes LLMs easy.",
)
print(res["data"][0]["embedding"][:5])  # first 5 dimensions
print(res["usage"])
""",
        "[-0.41034358739852905, 0.21305833756923676, 0.288398414850235, -0.05175641551613808, "
        "-0.14429797232151031]\n{'prompt_tokens': 4, 'total_tokens': 4}\n",
    ),
    Example(
        "embeddings of several",
        """\
res = client.embeddings.create(
    model="qwen3-embedding",
    input=[
        "First document to embed.",
        "Second document to embed.",
    ],
)
for item in res["data"]:
    print(f"Index {item['index']}: {len(item['embedding'])} dimensions")
""",
        "Index 0: 16 dimensions\nIndex 1: 16 dimensions\n",
    ),
    Example(
        "reranking",
        """\
res = client.rerank.create(
    model="qwen3-reranker",
    query="What is BabyAPI?",
    documents=[
        "BabyAPI is a tiny hosted LLM API.",
        "The weather is nice today.",
        "BabyAPI supports OpenAI-compatible endpoints.",
    ],
)
for result in res["results"]:
    print(f"Index {result['index']}: relevance_score={result['relevance_score']:.4f}")
""",
        "Index 0: relevance_score=0.3333\n"
        "Index 1: relevance_score=0.3333\n"
        "Index 2: relevance_score=0.0000\n",
    ),
    Example(
        "streaming chat",
        """\
import os
from babyapi import BabyAPI

client = BabyAPI(api_key=os.getenv("BABYAPI_API_KEY"))
for event in client.chat.completions.stream(
    model="mistral",
    messages=[{"role": "user", "content": "Write a short poem about servers."}],
):
    if event.done:
        break
    delta = (event.data or {}).get("choices", [{}])[0].get("delta", {})
    chunk = delta.get("content")
    if chunk:
        print(chunk, end="", flush=True)
print()
""",
        "You said: Write a short poem about servers.\n",
        has_client=True,
    ),
    Example(
        "streaming completions",
        """\
for event in client.completions.stream(
    model="mistral",
    prompt="List 5 calm API-building tips.",
):
    if event.done:
        break
    text = (event.data or {}).get("choices", [{}])[0].get("text")
    if text:
        print(text, end="", flush=True)
print()
""",
        "You said: List 5 calm API-building tips.\n",
    ),
    Example(
        "vision",
        """\
res = client.chat.completions.create(
    model="pixtral",  # or another vision-capable model you expose
    messages=[
        {
            "role": "user",
            "content": [
                {
                    "type": "text",
                    "text": "Describe the image in 2 sentences. Then list 3 objects you see.",
                },
                {
                    "type": "image_url",
                    "image_url": {"url": "https://api.babyapi.org/images/banner.png"},
                },
            ],
        }
    ],
)
print(res["choices"][0]["message"]["content"])
""",
        "You said: Describe the image in 2 sentences. Then list 3 objects you see.\n",
    ),
    Example(
        "vision, streamed",
        """\
for event in client.chat.completions.stream(
    model="pixtral",
    messages=[
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is this image trying to communicate?"},
                {
                    "type": "image_url",
                    "image_url": {"url": "https://api.babyapi.org/images/banner.png"},
                },
            ],
        }
    ],
):
    if event.done:
        break
    delta = (event.data or {}).get("choices", [{}])[0].get("delta", {})
    chunk = delta.get("content")
    if chunk:
        print(chunk, end="", flush=True)
print()
""",
        "You said: What is this image trying to communicate?\n",
    ),
    Example(
        "configuration",
        """\
import os
from babyapi import BabyAPI

client = BabyAPI(
    api_key=os.getenv("BABYAPI_API_KEY"),  # required (or BABY_API_KEY)
    base_url=os.getenv("BABYAPI_BASE_URL"),  # optional (default: https://api.babyapi.org)
    timeout_s=60.0,  # JSON requests only
    max_retries=2,  # retry transient failures
    retry_base_delay_s=0.25,  # exponential backoff base
    default_model="mistral",  # used by client.baby.infer when model omitted
    default_headers={"x-app": "my-sideproject"},  # extra headers for every request
)
""",
        "",
        has_client=True,
    ),
    Example(
        "request options",
        """\
import os
from babyapi import BabyAPI, RequestOptions

client = BabyAPI(api_key=os.getenv("BABYAPI_API_KEY"))
res = client.chat.completions.create(
    request_options=RequestOptions(
        timeout_s=30.0,
        max_retries=0,
        headers={"x-trace": "abc123"},
    ),
    model="mistral",
    messages=[{"role": "user", "content": "Hello."}],
)
""",
        "",
        has_client=True,
    ),
    Example(
        "request options as a dict",
        """\
res = client.chat.completions.create(
    request_options={"timeout_s": 10.0, "headers": {"x-app": "demo"}},
    model="mistral",
    messages=[{"role": "user", "content": "Hi again."}],
)
""",
        "",
    ),
    Example(
        "errors",
        """\
import os
from babyapi import BabyAPI, BabyAPIError

client = BabyAPI(api_key=os.getenv("BABYAPI_API_KEY"))
try:
    client.chat.completions.create(model="mistral", messages=[])
except BabyAPIError as err:
    print(
        {
            "message": err.message,
            "status": err.status,
            "code": err.code,
            "type": err.type,
            "request_id": err.request_id,
        }
    )
""",
        "{'message': \"'messages' must hold at least one message\", 'status': 400, 'code': None, "
        "'type': 'invalid_request_error', 'request_id': 'demo-1'}\n",
        has_client=True,
    ),
    Example(
        "context manager",
        """\
import os
from babyapi import BabyAPI

with BabyAPI(api_key=os.getenv("BABYAPI_API_KEY")) as client:
    res = client.completions.create(model="mistral", prompt="Ping")
    print(res["choices"][0]["text"])
""",
        "You said: Ping\n",
        has_client=True,
    ),
]
