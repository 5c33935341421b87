"""Which attribute of a span is which field of ours: one table of names a dialect, with the version that it follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class TraceDialect:
    """The names of one way to write traces.

    Args:
        name: What we call it.
        follows: The version that the names are taken from, and where they are described.
        names: Attributes of each field, those of today before those of yesterday; the first that is there counts.
    """

    name: str
    follows: str
    names: Mapping[str, tuple[str, ...]]


OTEL = TraceDialect(
    "otel",
    "OpenTelemetry semantic conventions for generative AI, repository semantic-conventions-genai, November 2026 (in "
    "development); older spellings since 1.27; those of pydantic-ai, any-agent and Google's ADK beside them",
    {
        "operation": ("gen_ai.operation.name",),
        "agent": ("gen_ai.agent.name", "agent_name"),
        "agent_version": ("gen_ai.agent.version",),
        "workflow": ("gen_ai.workflow.name",),
        "session_id": ("gen_ai.conversation.id", "session.id", "gcp.vertex.agent.session_id"),
        "user_id": ("user.id", "enduser.id"),
        "prompt_name": ("gen_ai.prompt.name",),
        "prompt_version": ("gen_ai.prompt.version",),
        "model": ("gen_ai.response.model", "gen_ai.request.model", "model_name"),
        "provider": ("gen_ai.provider.name", "gen_ai.system"),
        "input_tokens": ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"),
        "output_tokens": ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"),
        "total_tokens": ("gen_ai.usage.total_tokens",),
        "cache_read_tokens": (
            "gen_ai.usage.cache_read.input_tokens",
            "gen_ai.usage.cache_read_input_tokens",
            "gen_ai.usage.input_tokens.cached",
            "gen_ai.usage.details.cache_read_tokens",
        ),
        "cache_write_tokens": (
            "gen_ai.usage.cache_write.input_tokens",
            "gen_ai.usage.cache_creation.input_tokens",
            "gen_ai.usage.cache_creation_input_tokens",
            "gen_ai.usage.details.cache_write_tokens",
        ),
        "reasoning_tokens": (
            "gen_ai.usage.reasoning.output_tokens",
            "gen_ai.usage.output_tokens.reasoning",
            "gen_ai.usage.details.reasoning_tokens",
        ),
        "cost": ("gen_ai.usage.cost.total", "gen_ai.usage.cost", "gen_ai.usage.total_cost", "operation.cost"),
        "input_cost": ("gen_ai.usage.cost.input", "gen_ai.usage.input_cost"),
        "output_cost": ("gen_ai.usage.cost.output", "gen_ai.usage.output_cost"),
        "first_chunk_seconds": ("gen_ai.response.time_to_first_chunk", "gen_ai.server.time_to_first_token"),
        "tool_name": ("gen_ai.tool.name",),
        "tool_call_id": ("gen_ai.tool.call.id",),
        "arguments": ("gen_ai.tool.call.arguments", "gen_ai.tool.args", "tool_arguments"),
        "result": ("gen_ai.tool.call.result", "tool_response"),
        "instructions": ("gen_ai.system_instructions",),
        "input": ("gen_ai.input.messages", "gen_ai.prompt"),
        "output": ("gen_ai.output.messages", "gen_ai.completion", "gen_ai.output", "final_result"),
        "error_type": ("error.type", "exception.type"),
        "cached": ("gen_ai.response.cached",),
    },
)

OPENINFERENCE = TraceDialect(
    "openinference",
    "OpenInference semantic conventions, specification in the repository Arize-ai/openinference, November 2026",
    {
        "kind": ("openinference.span.kind",),
        "agent": ("agent.name", "graph.node.name", "graph.node.id"),
        "model": ("llm.model_name", "embedding.model_name", "reranker.model_name"),
        "provider": ("llm.provider", "llm.system"),
        "prompt_name": ("llm.prompt_template.name",),
        "prompt_version": ("llm.prompt_template.version",),
        "input_tokens": ("llm.token_count.prompt",),
        "output_tokens": ("llm.token_count.completion",),
        "total_tokens": ("llm.token_count.total",),
        "cache_read_tokens": ("llm.token_count.prompt_details.cache_read",),
        "cache_write_tokens": ("llm.token_count.prompt_details.cache_write",),
        "reasoning_tokens": ("llm.token_count.completion_details.reasoning",),
        "cost": ("llm.cost.total",),
        "input_cost": ("llm.cost.prompt",),
        "output_cost": ("llm.cost.completion",),
        "tool_name": ("tool.name", "tool_call.function.name"),
        "tool_call_id": ("tool.id", "tool_call.id"),
        "arguments": ("tool_call.function.arguments", "tool.parameters"),
        "input": ("input.value",),
        "output": ("output.value",),
    },
)

MLFLOW = TraceDialect(
    "mlflow",
    "MLflow Tracing 3, span attributes and trace metadata of mlflow.tracing.constant, November 2026",
    {
        "kind": ("mlflow.spanType",),
        "model": ("mlflow.llm.model", "mlflow.chat.model"),
        "provider": ("mlflow.llm.provider",),
        "usage": ("mlflow.chat.tokenUsage",),
        "costs": ("mlflow.llm.cost",),
        "input": ("mlflow.spanInputs",),
        "output": ("mlflow.spanOutputs",),
        "session_id": ("mlflow.trace.session",),
        "user_id": ("mlflow.trace.user",),
    },
)

OPENLLMETRY = TraceDialect(
    "openllmetry",
    "OpenLLMetry (traceloop), opentelemetry-semantic-conventions-ai 0.4",
    {
        "kind": ("traceloop.span.kind", "llm.request.type"),
        "workflow": ("traceloop.workflow.name",),
        "entity": ("traceloop.entity.name",),
        "session_id": ("traceloop.association.properties.session_id",),
        "user_id": ("traceloop.association.properties.user_id",),
        "prompt_name": ("traceloop.prompt.key",),
        "prompt_version": ("traceloop.prompt.version",),
        "total_tokens": ("llm.usage.total_tokens",),
        "input": ("traceloop.entity.input",),
        "output": ("traceloop.entity.output",),
    },
)

AI_SDK = TraceDialect(
    "ai-sdk",
    "Vercel AI SDK 5, telemetry of generateText, streamText and their tools; the tools of LiveKit Agents beside them",
    {
        "operation": ("ai.operationId",),
        "model": ("ai.response.model", "ai.model.id"),
        "provider": ("ai.model.provider",),
        "input_tokens": ("ai.usage.inputTokens", "ai.usage.promptTokens"),
        "output_tokens": ("ai.usage.outputTokens", "ai.usage.completionTokens"),
        "total_tokens": ("ai.usage.totalTokens", "ai.usage.tokens"),
        "cache_read_tokens": ("ai.usage.cachedInputTokens",),
        "reasoning_tokens": ("ai.usage.reasoningTokens",),
        "tool_name": ("ai.toolCall.name", "lk.function_tool.name"),
        "tool_call_id": ("ai.toolCall.id", "lk.function_tool.id"),
        "arguments": ("ai.toolCall.args", "lk.function_tool.arguments"),
        "result": ("ai.toolCall.result", "lk.function_tool.output"),
        "input": ("ai.prompt.messages", "ai.prompt"),
        "output": ("ai.response.text", "ai.response.toolCalls", "ai.response.object"),
    },
)

LANGFUSE = TraceDialect(
    "langfuse",
    "Langfuse 3: observations of its interface (camel case), of its exports to files and blobs (snake case)",
    {
        "trace_id": ("traceId", "trace_id"),
        "parent_span_id": ("parentObservationId", "parent_observation_id"),
        "start": ("startTime", "start_time"),
        "end": ("endTime", "end_time"),
        "completion_start": ("completionStartTime", "completion_start_time"),
        "model": ("model", "providedModelName", "provided_model_name"),
        "usage": ("usageDetails", "usage_details", "usage"),
        "costs": ("costDetails", "cost_details"),
        "cost": ("totalCost", "total_cost", "calculatedTotalCost", "calculated_total_cost"),
        "message": ("statusMessage", "status_message"),
        "prompt_name": ("promptName", "prompt_name"),
        "prompt_version": ("promptVersion", "prompt_version"),
        "session_id": ("sessionId", "session_id"),
        "user_id": ("userId", "user_id"),
    },
)

ATTRIBUTES = (OTEL, OPENINFERENCE, MLFLOW, OPENLLMETRY, AI_SDK)
"""Dialects whose names are attributes of spans. A span may hold names of several; those of the first say it first."""

FIELDS: dict[str, tuple[int, str]] = {
    attribute: (1000 * place + rank, field)
    for place, dialect in reversed(list(enumerate(ATTRIBUTES)))
    for field, attributes in dialect.names.items()
    for rank, attribute in enumerate(attributes)
}
"""Field of each attribute; of several attributes of a field the one with the smallest number counts."""

MARKS = {
    "openinference.span.kind": "openinference",
    "mlflow.spanType": "mlflow",
    "traceloop.span.kind": "openllmetry",
    "ai.operationId": "ai-sdk",
}
"""Attributes that every span of a dialect has; without any it is of OpenTelemetry's own."""

KINDS: dict[str, str] = {
    **dict.fromkeys(("agent", "invoke_agent", "create_agent", "agent.run", "agent_run"), "agent"),
    **dict.fromkeys(("workflow", "invoke_workflow", "chain"), "workflow"),
    **dict.fromkeys(
        (
            "llm",
            "chat",
            "chat_model",
            "generation",
            "generate_content",
            "text_completion",
            "completion",
            "call_llm",
            "inference",
            "chat.completions",
            "text.completions",
            "chat_completion",
            "responses",
            "ai.generatetext.dogenerate",
            "ai.streamtext.dostream",
            "ai.generateobject.dogenerate",
            "ai.streamobject.dostream",
        ),
        "inference",
    ),
    **dict.fromkeys(("embedding", "embeddings", "ai.embed.doembed", "ai.embedmany.doembed"), "embedding"),
    **dict.fromkeys(("tool", "execute_tool", "ai.toolcall"), "tool"),
    **dict.fromkeys(("retriever", "retrieval", "reranker", "rerank"), "retrieval"),
    **dict.fromkeys(("evaluator", "evaluation", "guardrail"), "evaluation"),
}
"""What the dialects call kinds and operations, in lower case; anything else is `other`."""

NAMES: dict[str, str] = {
    "invoke_agent": "agent",
    "agent_run": "agent",
    "invoke_workflow": "workflow",
    "chat": "inference",
    "call_llm": "inference",
    "generate_content": "inference",
    "text_completion": "inference",
    "embeddings": "embedding",
    "execute_tool": "tool",
}
"""First words of names that tell the kind of a span that tells it in no other way."""

FLATTENED = {
    "llm.input_messages.": "input_messages",
    "llm.output_messages.": "output_messages",
    "gen_ai.prompt.": "input_messages",
    "gen_ai.completion.": "output_messages",
}
"""Beginnings of attributes that hold messages cut into their parts, one attribute a part."""
