"""Model servers and the components around them.

Tokens are a second throughput; the time to the first token is a latency of its own.
"""

from __future__ import annotations

from tputtui.signals.classify.exporters import ExporterEntry

ENTRIES: tuple[ExporterEntry, ...] = (
    ExporterEntry(
        "vLLM",
        ("vllm:*",),
        traffic=(
            "vllm:request_success_total",
            "vllm:request_success",
            "vllm:e2e_request_latency_seconds_count",
        ),
        errors=(
            "vllm:request_success_total by finished_reason = abort|error",
            "vllm:request_success by finished_reason = abort|error",
        ),
        latency=(
            "vllm:e2e_request_latency_seconds",
            "vllm:inter_token_latency_seconds",
            "vllm:time_per_output_token_seconds",
        ),
        saturation=(
            "waiting requests: vllm:num_requests_waiting waiting",
            "kv cache: vllm:kv_cache_usage_perc [ratio]",
            "kv cache: vllm:gpu_cache_usage_perc [ratio]",
            "running requests: vllm:num_requests_running",
            "swapped requests: vllm:num_requests_swapped waiting",
        ),
        extra=(
            "generation: vllm:generation_tokens_total [tokens/s]",
            "prompt: vllm:prompt_tokens_total [tokens/s]",
        ),
        rank=3,
    ),
    ExporterEntry(
        "SGLang",
        ("sglang:*", "sglang_num_requests_total", "sglang_generation_tokens_total"),
        traffic=(
            "sglang:num_requests_total",
            "sglang_num_requests_total",
            "sglang:e2e_request_latency_seconds_count",
            "sglang:generation_tokens_total [tokens/s]",
            "sglang_generation_tokens_total [tokens/s]",
        ),
        errors=("sglang:num_aborted_requests_total", "sglang_num_aborted_requests_total"),
        latency=(
            "sglang:e2e_request_latency_seconds",
            "sglang_e2e_request_latency_seconds",
            "sglang:inter_token_latency_seconds",
        ),
        saturation=(
            "waiting requests: sglang:num_queue_reqs waiting",
            "token cache: sglang:token_usage [ratio]",
            "running requests: sglang:num_running_reqs",
        ),
        extra=(
            "generation: sglang:generation_tokens_total [tokens/s]",
            "prompt: sglang:prompt_tokens_total [tokens/s]",
        ),
        rank=3,
    ),
    ExporterEntry(
        "text-generation-inference",
        ("tgi_*",),
        traffic=("tgi_request_count", "tgi_request_success", "tgi_request_duration_count"),
        errors=("tgi_request_failure",),
        latency=(
            "tgi_request_duration [s]",
            "tgi_request_duration_seconds",
            "tgi_request_mean_time_per_token_duration [s]",
        ),
        saturation=(
            "queue: tgi_queue_size waiting",
            "batch: tgi_batch_current_size",
        ),
        extra=("generation: tgi_request_generated_tokens_sum [tokens/s]",),
        rank=3,
    ),
    ExporterEntry(
        "text-embeddings-inference",
        ("te_request_count", "te_embed_count"),
        traffic=("te_request_count", "te_embed_count"),
        errors=("te_request_failure",),
        latency=("te_request_duration [s]", "te_embed_duration [s]"),
        saturation=("queue: te_queue_size waiting",),
        rank=3,
    ),
    ExporterEntry(
        "Triton",
        ("nv_inference_*",),
        traffic=("nv_inference_request_success", "nv_inference_count"),
        errors=("nv_inference_request_failure",),
        latency=(
            "nv_inference_request_summary_us",
            "nv_inference_request_duration_us / nv_inference_request_success",
            "nv_inference_compute_infer_duration_us / nv_inference_count",
        ),
        saturation=(
            "pending requests: nv_inference_pending_request_count waiting",
            "gpu: nv_gpu_utilization [ratio]",
            "gpu memory: nv_gpu_memory_used_bytes / nv_gpu_memory_total_bytes",
        ),
        rank=3,
    ),
    ExporterEntry(
        "TorchServe",
        ("ts_inference_requests_total", "ts_inference_latency_microseconds"),
        traffic=("ts_inference_requests_total",),
        errors=("Requests5XX",),
        latency=("ts_inference_latency_microseconds / ts_inference_requests_total",),
        rank=3,
    ),
    ExporterEntry(
        "Ray Serve",
        (
            "ray_serve_num_http_requests*",
            "ray_serve_num_router_requests*",
            "ray_serve_deployment_request_counter*",
        ),
        traffic=(
            "ray_serve_num_http_requests_total",
            "ray_serve_num_http_requests",
            "ray_serve_deployment_request_counter_total",
            "ray_serve_deployment_request_counter",
        ),
        errors=(
            "ray_serve_num_http_error_requests_total",
            "ray_serve_num_http_error_requests",
            "ray_serve_deployment_error_counter_total",
            "ray_serve_deployment_error_counter",
        ),
        latency=("ray_serve_http_request_latency_ms", "ray_serve_deployment_processing_latency_ms"),
        saturation=(
            "queued queries: ray_serve_deployment_queued_queries waiting",
            "in flight: ray_serve_num_ongoing_http_requests",
            "processing: ray_serve_replica_processing_queries",
        ),
        rank=3,
    ),
    ExporterEntry(
        "BentoML",
        ("bentoml_service_request_total", "bentoml_api_server_request_total"),
        traffic=("bentoml_service_request_total", "bentoml_api_server_request_total"),
        errors=(
            "bentoml_service_request_total by http_response_code",
            "bentoml_api_server_request_total by http_response_code",
        ),
        latency=(
            "bentoml_service_request_duration_seconds",
            "bentoml_api_server_request_duration_seconds",
        ),
        saturation=(
            "in flight: bentoml_service_request_in_progress",
            "in flight: bentoml_api_server_request_in_progress",
        ),
        rank=3,
    ),
    ExporterEntry(
        "llama.cpp",
        ("llamacpp:*",),
        traffic=("llamacpp:tokens_predicted_total [tokens/s]",),
        latency=("llamacpp:tokens_predicted_seconds_total / llamacpp:tokens_predicted_total",),
        saturation=(
            "deferred requests: llamacpp:requests_deferred waiting",
            "kv cache: llamacpp:kv_cache_usage_ratio [ratio]",
            "in flight: llamacpp:requests_processing",
        ),
        extra=("prompt: llamacpp:prompt_tokens_total [tokens/s]",),
        rank=3,
        missing_signals=("errors",),
    ),
    ExporterEntry(
        "LiteLLM",
        ("litellm_proxy_total_requests_metric*", "litellm_requests_metric*"),
        traffic=("litellm_proxy_total_requests_metric_total", "litellm_requests_metric_total"),
        errors=(
            "litellm_proxy_failed_requests_metric_total",
            "litellm_llm_api_failed_requests_metric_total",
        ),
        latency=("litellm_request_total_latency_metric [s]", "litellm_llm_api_latency_metric [s]"),
        extra=("tokens: litellm_total_tokens_metric_total [tokens/s]",),
        rank=3,
    ),
)
