"""One chat client for any OpenAI-compatible endpoint: checked answers, limits, cache, cost and budget.

The HTTP library is httpx2 (the extra `llm`) rather than openai, which sits on it too: openai repeats calls by itself,
unseen by a budget, follows redirects and takes proxies and a key from the environment, while here each attempt is
counted and nothing but the address that the user named is contacted.
"""

from radtrace.llm.cache import Cache, cache_folder
from radtrace.llm.chat import Chat, Message
from radtrace.llm.endpoint import AskSettings, ClientSettings, Endpoint
from radtrace.llm.faults import AnswerError, BudgetError, EndpointDownError, EndpointRefusalError
from radtrace.llm.permission import Material
from radtrace.llm.usage import Ledger, Usage

__all__ = [
    "AnswerError",
    "AskSettings",
    "BudgetError",
    "Cache",
    "Chat",
    "ClientSettings",
    "Endpoint",
    "EndpointDownError",
    "EndpointRefusalError",
    "Ledger",
    "Material",
    "Message",
    "Usage",
    "cache_folder",
]
