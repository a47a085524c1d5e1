"""Web frameworks, application servers and their workers.

They have entries because their names alone would mislead the generic ranking.
"""

from __future__ import annotations

from tputtui.signals.classify.exporters import ExporterEntry

_HIKARI = (
    "db pool queue: hikaricp_connections_pending waiting",
    "db pool: hikaricp_connections_active / hikaricp_connections_max",
)

ENTRIES: tuple[ExporterEntry, ...] = (
    ExporterEntry(
        "FastAPI instrumentator",
        ("http_request_duration_highr_seconds",),
        traffic=("http_requests_total",),
        errors=("http_requests_total by status",),
        latency=("http_request_duration_highr_seconds",),
        saturation=("in flight: http_requests_inprogress",),
        rank=3,
    ),
    ExporterEntry(
        "django-prometheus",
        (
            "django_http_requests_total_by_method_total",
            "django_http_requests_before_middlewares_total",
        ),
        traffic=(
            "django_http_requests_total_by_view_transport_method_total",
            "django_http_requests_total_by_method_total",
            "django_http_requests_before_middlewares_total",
        ),
        errors=(
            "django_http_responses_total_by_status_total by status",
            "django_http_exceptions_total_by_type_total",
        ),
        latency=(
            "django_http_requests_latency_seconds_by_view_method",
            "django_http_requests_latency_including_middlewares_seconds",
        ),
        rank=3,
    ),
    ExporterEntry(
        "OpenTelemetry HTTP server",
        ("http_server_request_duration*", "http_server_duration*"),
        traffic=(
            "http_server_request_duration_seconds_count",
            "http_server_request_duration_count",
            "http_server_duration_milliseconds_count",
            "http_server_duration_count",
        ),
        errors=(
            "http_server_request_duration_seconds_count by http_response_status_code",
            "http_server_request_duration_count by http_response_status_code",
            "http_server_duration_milliseconds_count by http_status_code",
            "http_server_duration_count by http_status_code",
        ),
        latency=(
            "http_server_request_duration_seconds",
            "http_server_request_duration",
            "http_server_duration_milliseconds",
            "http_server_duration [ms]",
        ),
        saturation=(
            "in flight: http_server_active_requests",
            "kestrel queue: kestrel_queued_requests waiting",
            "thread pool queue: dotnet_thread_pool_queue_length waiting",
            "event loop lag: nodejs_eventloop_delay_p99_seconds",
            "connections: kestrel_active_connections",
        ),
        rank=3,
    ),
    ExporterEntry(
        "Micrometer HTTP server",
        ("http_server_requests_seconds",),
        traffic=("http_server_requests_seconds_count",),
        errors=(
            "http_server_requests_seconds_count by status",
            "http_server_requests_seconds_count by outcome = SERVER_ERROR",
        ),
        latency=("http_server_requests_seconds",),
        saturation=(
            *_HIKARI,
            "executor queue: executor_queued_tasks waiting",
            "worker pool queue: worker_pool_queue_size waiting",
            "in flight: http_server_active_requests",
            "in flight: http_server_requests_active_seconds_active_count",
            "tomcat threads: tomcat_threads_busy_threads / tomcat_threads_config_max_threads",
            "jetty threads: jetty_threads_busy / jetty_threads_config_max",
            "worker pool: worker_pool_ratio [ratio]",
        ),
        rank=3,
    ),
    ExporterEntry(
        "HikariCP",
        ("hikaricp_connections",),
        saturation=_HIKARI,
        rank=1,
    ),
    ExporterEntry(
        "MicroProfile REST",
        (
            "application_rest_request_total",
            "base_REST_request_seconds",
            "REST_request_seconds",
            "vendor_requests_count_total",
        ),
        traffic=(
            "base_REST_request_total",
            "REST_request_seconds_count",
            "REST_request_total",
            "vendor_requests_count_total",
        ),
        errors=(
            "base_REST_request_unmappedException_total",
            "REST_request_unmappedException_total",
        ),
        latency=(
            "REST_request_seconds",
            "base_REST_request_elapsedTime_seconds / base_REST_request_total",
        ),
        rank=3,
    ),
    ExporterEntry(
        "Dropwizard",
        (
            "io_dropwizard_jetty_MutableServletContextHandler_*",
            "org_eclipse_jetty_server_handler_StatisticsHandler_*",
        ),
        traffic=(
            "io_dropwizard_jetty_MutableServletContextHandler_requests_count",
            "io_dropwizard_jetty_MutableServletContextHandler_requests",
        ),
        errors=("io_dropwizard_jetty_MutableServletContextHandler_5xx_responses_total",),
        latency=("io_dropwizard_jetty_MutableServletContextHandler_requests [s]",),
        saturation=(
            "in flight: io_dropwizard_jetty_MutableServletContextHandler_active_requests",
            "thread pool: org_eclipse_jetty_util_thread_QueuedThreadPool_dw_utilization [ratio]",
        ),
        rank=3,
    ),
    ExporterEntry(
        "Rails (yabeda)",
        ("rails_requests_total", "rails_request_duration_seconds"),
        traffic=("rails_requests_total", "rails_request_duration_seconds_count"),
        errors=("rails_requests_total by status",),
        latency=("rails_request_duration_seconds", "rails_request_duration [s]"),
        saturation=(
            "puma backlog: puma_backlog waiting",
            "puma threads: puma_running / puma_max_threads",
        ),
        rank=3,
    ),
    ExporterEntry(
        "Ruby prometheus_exporter",
        ("ruby_http_requests_total", "ruby_http_duration_seconds"),
        traffic=("ruby_http_requests_total", "http_requests_total"),
        errors=("ruby_http_requests_total by status", "http_requests_total by status"),
        latency=("ruby_http_request_duration_seconds", "ruby_http_duration_seconds"),
        saturation=(
            "request backlog: ruby_puma_request_backlog waiting",
            "puma threads: ruby_puma_running_threads / ruby_puma_max_threads",
        ),
        rank=3,
    ),
    ExporterEntry(
        "Puma",
        ("puma_pool_capacity", "puma_backlog"),
        saturation=(
            "puma backlog: puma_backlog waiting",
            "puma threads: puma_running / puma_max_threads",
        ),
        rank=1,
    ),
    ExporterEntry(
        "GitLab",
        ("gitlab_transaction_duration_seconds", "gitlab_sql_duration_seconds"),
        traffic=("http_requests_total", "gitlab_transaction_duration_seconds_count"),
        errors=("http_requests_total by status",),
        latency=("http_request_duration_seconds", "gitlab_transaction_duration_seconds"),
        saturation=(
            "puma queue: puma_queued_connections waiting",
            "puma threads: puma_active_connections / puma_max_threads",
            "db pool: gitlab_database_connection_pool_busy / gitlab_database_connection_pool_size",
        ),
        rank=3,
    ),
    ExporterEntry(
        "GitLab Workhorse",
        ("gitlab_workhorse_http_requests_total",),
        traffic=("gitlab_workhorse_http_requests_total",),
        errors=("gitlab_workhorse_http_requests_total by code",),
        latency=("gitlab_workhorse_http_request_duration_seconds",),
        saturation=("in flight: gitlab_workhorse_http_in_flight_requests",),
        rank=3,
    ),
    ExporterEntry(
        "Sidekiq",
        (
            "sidekiq_jobs_executed_total",
            "sidekiq_jobs_processed_total",
            "sidekiq_processed_jobs_total",
            "sidekiq_jobs_total",
        ),
        traffic=(
            "sidekiq_jobs_executed_total",
            "sidekiq_jobs_processed_total",
            "sidekiq_processed_jobs_total",
            "sidekiq_jobs_total",
        ),
        errors=("sidekiq_jobs_failed_total", "sidekiq_failed_jobs_total"),
        latency=(
            "sidekiq_job_runtime",
            "sidekiq_job_runtime_seconds",
            "sidekiq_job_duration_seconds",
            "sidekiq_jobs_completion_seconds",
        ),
        saturation=(
            "queued jobs: sidekiq_jobs_waiting_count waiting",
            "queued jobs: sidekiq_queue_backlog waiting",
            "queued jobs: sidekiq_enqueued_jobs waiting",
            "queue latency: sidekiq_queue_latency [s]",
            "busy workers: sidekiq_busy_workers",
            "running jobs: sidekiq_running_jobs / sidekiq_concurrency",
        ),
        rank=2,
    ),
    ExporterEntry(
        "Celery exporter",
        (
            "celery_task_sent_total",
            "celery_task_received_total",
            "celery_task_succeeded_total",
            "celery_tasks_total",
        ),
        traffic=(
            "celery_task_succeeded_total",
            "celery_task_received_total",
            "celery_task_sent_total",
            "celery_tasks_total",
        ),
        errors=("celery_task_failed_total", "celery_tasks_total by state = FAILURE"),
        latency=("celery_task_runtime", "celery_tasks_runtime_seconds"),
        saturation=(
            "queue: celery_queue_length waiting",
            "active tasks: celery_worker_tasks_active",
        ),
        rank=2,
    ),
    ExporterEntry(
        "Flower",
        ("flower_events_total", "flower_task_runtime_seconds"),
        traffic=(
            "flower_task_runtime_seconds_count [tasks/s]",
            'flower_events_total{type="task-succeeded"} [tasks/s]',
        ),
        errors=('flower_events_total{type=~"task-succeeded|task-failed"} by type = task-failed',),
        latency=("flower_task_runtime_seconds",),
        saturation=(
            "active tasks: flower_worker_number_of_currently_executing_tasks",
            "prefetched: flower_worker_prefetched_tasks waiting",
        ),
        rank=2,
    ),
    ExporterEntry(
        "gunicorn (statsd)",
        ("gunicorn_requests", "gunicorn_request_duration", "gunicorn_requests_total"),
        traffic=("gunicorn_requests", "gunicorn_requests_total", "gunicorn_request_duration_count"),
        errors=("gunicorn_request_status_500", "gunicorn_log_error"),
        latency=("gunicorn_request_duration",),
        saturation=("workers: gunicorn_workers",),
        rank=3,
    ),
    ExporterEntry(
        "PHP-FPM",
        ("phpfpm_accepted_connections", "phpfpm_accepted_connections_total"),
        traffic=("phpfpm_accepted_connections", "phpfpm_accepted_connections_total"),
        errors=("phpfpm_slow_requests", "phpfpm_max_children_reached"),
        saturation=(
            "listen queue: phpfpm_listen_queue / phpfpm_listen_queue_length waiting",
            "active processes: phpfpm_active_processes / phpfpm_total_processes",
        ),
        rank=3,
        missing_signals=("latency",),
    ),
    ExporterEntry(
        "PromEx (Phoenix)",
        (
            "*_prom_ex_phoenix_http_requests_total",
            "*_prom_ex_phoenix_http_request_duration_milliseconds",
        ),
        traffic=(
            "*_prom_ex_phoenix_http_requests_total",
            "*_prom_ex_phoenix_http_request_duration_milliseconds_count",
        ),
        errors=("*_prom_ex_phoenix_http_requests_total by status",),
        latency=("*_prom_ex_phoenix_http_request_duration_milliseconds",),
        saturation=("run queue: *_prom_ex_beam_stats_run_queue_count waiting",),
        rank=3,
    ),
    ExporterEntry(
        "prometheus-net",
        ("httprequestduration_seconds", "aspnetcore_requests_total"),
        traffic=("http_requests_received_total", "aspnetcore_requests_total"),
        errors=("http_requests_received_total by code", "aspnetcore_requests_total by code"),
        latency=("http_request_duration_seconds",),
        saturation=("in flight: http_requests_in_progress",),
        rank=3,
    ),
    ExporterEntry(
        "Akka HTTP (Cinnamon, Kamon)",
        ("http_server_requests_total", "akka_http_requests_total"),
        traffic=("http_server_requests_total", "akka_http_requests_total"),
        rank=3,
    ),
    ExporterEntry(
        "Keycloak",
        (
            "keycloak_logins",
            "keycloak_request_duration",
            "keycloak_user_events_total",
            "keycloak_login_attempts",
        ),
        traffic=(
            "http_server_requests_seconds_count",
            "keycloak_request_duration_count",
            "keycloak_logins",
            "keycloak_user_events_total",
        ),
        errors=(
            "http_server_requests_seconds_count by status",
            "keycloak_response_errors",
            "keycloak_failed_login_attempts",
        ),
        latency=("http_server_requests_seconds", "keycloak_request_duration [ms]"),
        saturation=("db pool queue: agroal_awaiting_count waiting", "db pool: agroal_active_count"),
        rank=3,
    ),
    ExporterEntry(
        "Jenkins",
        ("default_jenkins_builds_duration_milliseconds_summary", "jenkins_executor_count_value"),
        traffic=(
            "http_requests_count",
            "jenkins_runs_total_total",
            "default_jenkins_builds_duration_milliseconds_summary_count",
        ),
        errors=("http_responseCodes_serverError_total", "jenkins_runs_failure_total"),
        latency=("http_requests [s]", "default_jenkins_builds_duration_milliseconds_summary"),
        saturation=(
            "build queue: jenkins_queue_size_value waiting",
            "executors: jenkins_executor_in_use_value / jenkins_executor_count_value",
            "in flight: http_activeRequests",
        ),
        rank=3,
    ),
)
