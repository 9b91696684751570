"""Every Python example of Bayt's page on its client, with only the import changed."""

from __future__ import annotations

from typing import Any, NamedTuple


class Example(NamedTuple):
    """One example, and what the client it leaves behind is to be.

    Attributes:
        source: The example, without the import.
        calls: How many calls it makes itself.
        max_retries: How many repeats the client makes.
        timeout: Seconds for one attempt.
        base_url: Where it calls.
        headers: What it sends, beside the key.
        environ: Variables that are set.
    """

    source: str
    calls: int = 0
    max_retries: int = 3
    timeout: float = 30
    base_url: str = "https://api.baytos.ai"
    headers: dict[str, Any] = {}  # noqa: RUF012 - nobody changes it
    environ: dict[str, str] = {}  # noqa: RUF012 - as above


ENVIRONMENTS = """
import os

ENV = os.getenv("ENVIRONMENT", "production")
if ENV == "development":
    client = BaytClient(
        api_key=os.getenv("BAYT_API_KEY"),
        max_retries=0,  # Fast-fail in dev
        timeout=10
    )
else:  # production
    client = BaytClient(
        api_key=os.getenv("BAYT_API_KEY"),
        max_retries=3,
        timeout=30
    )
"""

EXAMPLES = {
    "basic initialization": Example("""
client = BaytClient(api_key="your_api_key")
"""),
    "key from the environment": Example("""
import os

client = BaytClient(api_key=os.getenv("BAYT_API_KEY"))
"""),
    "key in the source": Example("""
client = BaytClient(api_key="your_api_key_here")
"""),
    "key from a file": Example("""
import json

with open('config.json') as f:
    config = json.load(f)
client = BaytClient(api_key=config['bayt_api_key'])
"""),
    "base url": Example("""
# Production (default)
client = BaytClient(api_key="...")
# Uses: https://api.baytos.ai
"""),
    "self-hosting": Example(
        """
client = BaytClient(
    api_key="...",
    base_url="https://bayt.yourcompany.com"
)
""",
        base_url="https://bayt.yourcompany.com",
    ),
    "retries and timeouts": Example("""
client = BaytClient(
    api_key="...",
    max_retries=3,  # Number of retry attempts (default: 3)
    timeout=30,  # Request timeout in seconds (default: 30)
    retry_delay=1.0  # Initial retry delay in seconds (default: 1.0)
)
"""),
    "aggressive retries": Example(
        """
client = BaytClient(
    api_key="...",
    max_retries=5,
    timeout=60
)
""",
        max_retries=5,
        timeout=60,
    ),
    "no retries": Example(
        """
client = BaytClient(
    api_key="...",
    max_retries=0
)
""",
        max_retries=0,
    ),
    "connection pooling": Example(
        """
client = BaytClient(api_key="...")
# Connection is established and pooled
prompt1 = client.get_prompt("@workspace/p1:v1")
# Connection is reused (faster)
prompt2 = client.get_prompt("@workspace/p2:v1")
prompt3 = client.get_prompt("@workspace/p3:v1")
""",
        calls=3,
    ),
    "custom headers": Example(
        """
client = BaytClient(
    api_key="...",
    headers={
        "X-App-Version": "1.2.3",
        "X-Environment": "production"
    }
)
""",
        headers={"X-App-Version": "1.2.3", "X-Environment": "production"},
    ),
    "proxies": Example("""
client = BaytClient(
    api_key="...",
    proxies={
        "http": "http://proxy.example.com:8080",
        "https": "https://proxy.example.com:8443"
    }
)
"""),
    "proxies with authentication": Example("""
client = BaytClient(
    api_key="...",
    proxies={
        "http": "http://user:pass@proxy.example.com:8080",
        "https": "https://user:pass@proxy.example.com:8443"
    }
)
"""),
    "certificates": Example("""
client = BaytClient(api_key="...", verify_ssl=True)
"""),
    "certificates unchecked": Example("""
client = BaytClient(api_key="...", verify_ssl=False)
"""),
    "certificates of one's own": Example("""
client = BaytClient(
    api_key="...",
    verify_ssl="/path/to/ca-bundle.crt"
)
"""),
    "user agent": Example(
        """
client = BaytClient(
    api_key="...",
    user_agent="MyApp/1.0 (contact@example.com)"
)
""",
        headers={"User-Agent": "MyApp/1.0 (contact@example.com)"},
    ),
    "production": Example(
        """
import os

client = BaytClient(
    # Authentication
    api_key=os.getenv("BAYT_API_KEY"),
    # Performance
    max_retries=3,
    timeout=30,
    retry_delay=1.0,
    # Monitoring
    headers={
        "X-App-Version": os.getenv("APP_VERSION", "unknown"),
        "X-Environment": os.getenv("ENVIRONMENT", "production"),
        "X-Instance-ID": os.getenv("INSTANCE_ID", "unknown")
    },
    # Security
    verify_ssl=True
)
""",
        headers={
            "X-App-Version": "unknown",
            "X-Environment": "production",
            "X-Instance-ID": "unknown",
        },
    ),
    "one instance": Example(
        """
import os

# Good: Single instance
client = BaytClient(api_key=os.getenv("BAYT_API_KEY"))

def get_support_prompt():
    return client.get_prompt("@workspace/support:v1")

def get_marketing_prompt():
    return client.get_prompt("@workspace/marketing:v1")

prompt1 = get_support_prompt()
prompt2 = get_marketing_prompt()
""",
        calls=2,
    ),
    "an instance for each call": Example(
        """
import os

# Bad: Multiple instances
def get_support_prompt():
    client = BaytClient(api_key=os.getenv("BAYT_API_KEY"))
    return client.get_prompt("@workspace/support:v1")

prompt1 = get_support_prompt()
client = BaytClient(api_key=os.getenv("BAYT_API_KEY"))
""",
        calls=1,
    ),
    "interactive": Example(
        """
client = BaytClient(api_key="...", timeout=10)
""",
        timeout=10,
    ),
    "background processing": Example(
        """
client = BaytClient(api_key="...", timeout=60)
""",
        timeout=60,
    ),
    "environments": Example(ENVIRONMENTS),
    "environments, in development": Example(
        ENVIRONMENTS, environ={"ENVIRONMENT": "development"}, max_retries=0, timeout=10
    ),
}
