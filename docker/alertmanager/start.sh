#!/bin/sh
# Writes Alertmanager's configuration from the environment, then starts it; `start.sh --print` only prints it.
# Alertmanager reads no variables itself. What is not set is left out; with nothing set, alerts are seen in its UI only.
#
#   ALERT_WEBHOOK_URL  gets every alert as JSON          ALERT_SLACK_URL, ALERT_SLACK_CHANNEL  an incoming webhook
#   ALERT_EMAIL_TO     with SMTP_HOST (host:port), SMTP_FROM and, where the server asks, SMTP_USER, SMTP_PASSWORD
#   ALERT_GROUP_WAIT, ALERT_GROUP_INTERVAL, ALERT_REPEAT  30s, 5m, 4h
set -eu

if [ -n "${ALERT_EMAIL_TO:-}" ] && [ -z "${SMTP_HOST:-}" ]; then
  echo "ALERT_EMAIL_TO is set without SMTP_HOST (host:port): name the server that sends" >&2
  exit 2
fi

# A value as YAML in single quotes, so that no value can be more than a value.
quoted() { printf "'%s'" "$(printf '%s' "$1" | sed "s/'/''/g")"; }

configuration() {
  cat <<EOF
global:
  resolve_timeout: 5m
EOF
  if [ -n "${SMTP_HOST:-}" ]; then
    echo "  smtp_smarthost: $(quoted "$SMTP_HOST")"
    echo "  smtp_from: $(quoted "${SMTP_FROM:-findata@localhost}")"
    [ -z "${SMTP_USER:-}" ] || echo "  smtp_auth_username: $(quoted "$SMTP_USER")"
    [ -z "${SMTP_PASSWORD:-}" ] || echo "  smtp_auth_password: $(quoted "$SMTP_PASSWORD")"
  fi
  cat <<EOF

route:
  receiver: people
  # One message an area: a provider that is down is one matter, not twenty.
  group_by: [area, severity]
  group_wait: ${ALERT_GROUP_WAIT:-30s}
  group_interval: ${ALERT_GROUP_INTERVAL:-5m}
  repeat_interval: ${ALERT_REPEAT:-4h}
  routes:
    # Worth knowing, not worth a message: they stay in the UI.
    - receiver: nobody
      matchers: [severity="info"]

# What follows from something worse is not told beside it.
inhibit_rules:
  - source_matchers: [alertname="FindataExporterDown"]
    target_matchers: [alertname=~"Findata.+", alertname!="FindataExporterDown"]
  - source_matchers: [alertname="FindataDatabaseDown"]
    target_matchers: [alertname=~"FindataCollectorFailing|FindataDatabaseSlow|FindataWorkLeft|FindataIngestionLate|FindataRunFailed|FindataDaemonDown"]
  - source_matchers: [alertname="FindataS3Down"]
    target_matchers: [alertname=~"FindataCollectorFailing|FindataS3Slow|FindataLakeBehind|FindataRunFailed"]
  - source_matchers: [alertname="FindataBreakerOpen"]
    target_matchers: [alertname=~"FindataRequestsFailing|FindataIngestionLate"]
    equal: [provider]
  - source_matchers: [alertname="FindataDiskFull"]
    target_matchers: [alertname="FindataDiskNearlyFull"]
    equal: [folder]

receivers:
  - name: nobody
  - name: people
EOF
  if [ -n "${ALERT_WEBHOOK_URL:-}" ]; then
    echo "    webhook_configs:"
    echo "      - url: $(quoted "$ALERT_WEBHOOK_URL")"
    echo "        send_resolved: true"
  fi
  if [ -n "${ALERT_SLACK_URL:-}" ]; then
    cat <<EOF
    slack_configs:
      - api_url: $(quoted "$ALERT_SLACK_URL")
        channel: $(quoted "${ALERT_SLACK_CHANNEL:-#findata}")
        send_resolved: true
        title: '{{ .Status }}: {{ .CommonLabels.area }} ({{ .CommonLabels.severity }})'
        text: '{{ range .Alerts }}{{ .Annotations.summary }} ({{ .Annotations.runbook_url }}){{ "\n" }}{{ end }}'
EOF
  fi
  if [ -n "${ALERT_EMAIL_TO:-}" ]; then
    cat <<EOF
    email_configs:
      - to: $(quoted "$ALERT_EMAIL_TO")
        send_resolved: true
EOF
  fi
}

if [ "${1:-}" = --print ]; then
  configuration
  exit 0
fi
umask 077
configuration > /tmp/alertmanager.yml
exec /bin/alertmanager --config.file=/tmp/alertmanager.yml --storage.path=/alertmanager \
  --web.listen-address=0.0.0.0:9093 --cluster.listen-address=
