{{/* Names are cut so that the longest suffix still fits into 52 characters, the most that a CronJob may have. */}}
{{- define "candor.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- define "candor.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- $name := include "candor.name" . }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{- define "candor.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (ternary (include "candor.fullname" .) "default" .Values.serviceAccount.create) }}
{{- end }}

{{/* Jobs before an install run before the release's own account is there. */}}
{{- define "candor.setupAccountName" -}}
{{- ternary (printf "%s-setup" (include "candor.fullname" .)) (include "candor.serviceAccountName" .) .Values.serviceAccount.create }}
{{- end }}

{{- define "candor.image" -}}
{{- if .Values.image.digest }}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) }}
{{- end }}
{{- end }}

{{/*
What tells the pods of one component, and all the labels that they have: with the chart's version among them, every new chart would restart workers.
Takes a list: the root, the component.
*/}}
{{- define "candor.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ include "candor.name" $root | quote }}
app.kubernetes.io/instance: {{ $root.Release.Name | quote }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- define "candor.labels" -}}
{{- $root := index . 0 -}}
{{ include "candor.selector" . }}
app.kubernetes.io/version: {{ $root.Values.image.tag | default $root.Chart.AppVersion | trunc 63 | trimAll "-._" | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* A number as it was written: as text, 5000000 would become 5e+06. */}}
{{- define "candor.scalar" -}}
{{- ternary . (toJson .) (kindIs "string" .) | quote }}
{{- end }}

{{/* Files of certificates: a list of secret, key, file. */}}
{{- define "candor.tlsFiles" -}}
{{- $files := list }}
{{- range $owner := list "kafka" "clickhouse" }}
{{- $tls := (index $.Values $owner).tls }}
{{- with $tls.ca.existingSecret }}
{{- $files = append $files (dict "secret" . "key" $tls.ca.key "path" (printf "%s-ca.crt" $owner)) }}
{{- end }}
{{- with $tls.client.existingSecret }}
{{- $files = append $files (dict "secret" . "key" $tls.client.certificateKey "path" (printf "%s-client.crt" $owner)) }}
{{- $files = append $files (dict "secret" . "key" $tls.client.privateKeyKey "path" (printf "%s-client.key" $owner)) }}
{{- end }}
{{- end }}
{{- toJson $files }}
{{- end }}

{{/* Files of passwords, named as the settings they are. */}}
{{- define "candor.secretFiles" -}}
{{- $files := list }}
{{- if hasPrefix "SASL_" .Values.kafka.securityProtocol }}
{{- $files = append $files (dict "secret" .Values.kafka.sasl.existingSecret.name "key" .Values.kafka.sasl.existingSecret.key "path" "candor_kafka_sasl_password") }}
{{- end }}
{{- with .Values.clickhouse.existingSecret }}
{{- if .name }}
{{- $files = append $files (dict "secret" .name "key" .key "path" "candor_clickhouse_password") }}
{{- end }}
{{- end }}
{{- toJson $files }}
{{- end }}

{{- define "candor.clickhouseUrl" -}}
{{- $options := list }}
{{- with .Values.clickhouse.tls }}
{{- if .ca.existingSecret }}
{{- $options = append $options "ca_cert=/etc/candor/tls/clickhouse-ca.crt" }}
{{- end }}
{{- if .client.existingSecret }}
{{- $options = concat $options (list "client_cert=/etc/candor/tls/clickhouse-client.crt" "client_cert_key=/etc/candor/tls/clickhouse-client.key") }}
{{- end }}
{{- end }}
{{- .Values.clickhouse.url }}
{{- if $options }}{{ ternary "&" "?" (contains "?" .Values.clickhouse.url) }}{{ join "&" $options }}{{ end }}
{{- end }}

{{- define "candor.hasCatalog" -}}
{{- if or .Values.catalog.text .Values.catalog.existingConfigMap.name }}true{{ end }}
{{- end }}

{{/* Settings of every pod; what is left out has the product's default. Takes a dict: root, catalog (whether the file is there). */}}
{{- define "candor.environment" -}}
{{- $values := .root.Values -}}
- name: CANDOR_KAFKA_BOOTSTRAP_SERVERS
  value: {{ required "kafka.bootstrapServers is empty: name your brokers, host:port" $values.kafka.bootstrapServers | quote }}
- name: CANDOR_KAFKA_SECURITY_PROTOCOL
  value: {{ $values.kafka.securityProtocol }}
{{- if hasPrefix "SASL_" $values.kafka.securityProtocol }}
- name: CANDOR_KAFKA_SASL_MECHANISM
  value: {{ $values.kafka.sasl.mechanism }}
- name: CANDOR_KAFKA_SASL_USERNAME
  value: {{ $values.kafka.sasl.username | quote }}
{{- end }}
{{- if $values.kafka.tls.ca.existingSecret }}
- name: CANDOR_KAFKA_SSL_CAFILE
  value: /etc/candor/tls/kafka-ca.crt
{{- end }}
{{- if $values.kafka.tls.client.existingSecret }}
- name: CANDOR_KAFKA_SSL_CERTFILE
  value: /etc/candor/tls/kafka-client.crt
- name: CANDOR_KAFKA_SSL_KEYFILE
  value: /etc/candor/tls/kafka-client.key
{{- end }}
- name: CANDOR_CLICKHOUSE_URL
  value: {{ required "clickhouse.url is empty: name your server, http(s)://user@host:port/database" (include "candor.clickhouseUrl" .root) | quote }}
{{- if include "candor.secretFiles" .root | fromJsonArray }}
- name: CANDOR_SECRETS_DIR
  value: /etc/candor/secrets
{{- end }}
{{- if .catalog }}
- name: CANDOR_CATALOG
  value: /etc/candor/catalog/catalog.yaml
{{- end }}
- name: CANDOR_METRICS_HOST
  value: {{ $values.metrics.host | quote }}
- name: CANDOR_METRICS_PORT
  value: {{ include "candor.scalar" $values.metrics.port }}
{{- range $name, $value := $values.settings }}
- name: {{ $name }}
  value: {{ include "candor.scalar" $value }}
{{- end }}
{{- end }}

{{- define "candor.projected" -}}
projected:
  defaultMode: 0440
  sources:
    {{- range . }}
    - secret:
        name: {{ .secret | quote }}
        items:
          - key: {{ .key | quote }}
            path: {{ .path }}
    {{- end }}
{{- end }}

{{/*
The spec of every pod. Takes a dict: root, component, args, resources; and where wanted account, restartPolicy, catalog (whether it reads that), served
(probes of the port of metrics, as YAML) and spec (the rest of the spec, as YAML).
*/}}
{{- define "candor.pod" -}}
{{- $values := .root.Values -}}
{{- $secrets := include "candor.secretFiles" .root | fromJsonArray }}
{{- $tls := include "candor.tlsFiles" .root | fromJsonArray }}
{{- $catalog := and .catalog (include "candor.hasCatalog" .root) -}}
serviceAccountName: {{ .account | default (include "candor.serviceAccountName" .root) | quote }}
automountServiceAccountToken: false
# The addresses of Services would come as variables that look like settings: CANDOR_..._PORT.
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile:
    type: RuntimeDefault
{{- with $values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .restartPolicy }}
restartPolicy: {{ . }}
{{- end }}
{{- with .spec }}
{{ . | trim }}
{{- end }}
containers:
  - name: {{ .component }}
    image: {{ include "candor.image" .root | quote }}
    imagePullPolicy: {{ $values.image.pullPolicy }}
    args: {{ toJson .args }}
    env:
      {{- include "candor.environment" (dict "root" .root "catalog" $catalog) | nindent 6 }}
    {{- with .served }}
    ports:
      - name: metrics
        containerPort: {{ $values.metrics.port }}
    {{- . | nindent 4 }}
    {{- end }}
    resources:
      {{- toYaml .resources | nindent 6 }}
    securityContext:
      allowPrivilegeEscalation: false
      readOnlyRootFilesystem: true
      capabilities:
        drop: [ALL]
    volumeMounts:
      - name: tmp
        mountPath: /tmp
      {{- if $secrets }}
      - name: secrets
        mountPath: /etc/candor/secrets
        readOnly: true
      {{- end }}
      {{- if $tls }}
      - name: tls
        mountPath: /etc/candor/tls
        readOnly: true
      {{- end }}
      {{- if $catalog }}
      - name: catalog
        mountPath: /etc/candor/catalog
        readOnly: true
      {{- end }}
volumes:
  - name: tmp
    emptyDir:
      medium: Memory
      sizeLimit: {{ $values.tmpSizeLimit }}
  {{- if $secrets }}
  - name: secrets
    {{- include "candor.projected" $secrets | nindent 4 }}
  {{- end }}
  {{- if $tls }}
  - name: tls
    {{- include "candor.projected" $tls | nindent 4 }}
  {{- end }}
  {{- if $catalog }}
  - name: catalog
    configMap:
      {{- if $values.catalog.existingConfigMap.name }}
      name: {{ $values.catalog.existingConfigMap.name | quote }}
      {{- else }}
      name: {{ include "candor.fullname" .root }}-catalog
      {{- end }}
      items:
        - key: {{ ternary $values.catalog.existingConfigMap.key "catalog.yaml" (ne $values.catalog.existingConfigMap.name "") | quote }}
          path: catalog.yaml
  {{- end }}
{{- end }}

{{/* How a pod that serves metrics is watched. /live is answered by a thread of its own, also while the process waits or reads its state. */}}
{{- define "candor.probes" -}}
startupProbe:
  httpGet: { path: /live, port: metrics }
  periodSeconds: 2
  timeoutSeconds: 5
  failureThreshold: {{ div (add . 1) 2 }}
livenessProbe:
  httpGet: { path: /live, port: metrics }
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 3
readinessProbe:
  httpGet: { path: /ready, port: metrics }
  periodSeconds: 5
  timeoutSeconds: 5
  failureThreshold: 3
{{- end }}

{{/* A problem or a wrong setting (exit codes 1 and 2) is not tried again; Kafka or ClickHouse being away (3), or a drained node, is. */}}
{{- define "candor.podFailurePolicy" -}}
podFailurePolicy:
  rules:
    - action: Ignore
      onPodConditions:
        - type: DisruptionTarget
          status: "True"
    - action: FailJob
      onExitCodes:
        containerName: {{ . }}
        operator: In
        values: [1, 2]
{{- end }}

{{/*
A command at times, from root, component, args, and whether it needs the catalog; the values of the component say when.
*/}}
{{- define "candor.cronJob" -}}
{{- $values := index .root.Values .component -}}
apiVersion: batch/v1
kind: CronJob
metadata:
  name: {{ include "candor.fullname" .root }}-{{ .component }}
  labels:
    {{- include "candor.labels" (list .root .component) | nindent 4 }}
spec:
  schedule: {{ $values.schedule | quote }}
  timeZone: {{ $values.timeZone | quote }}
  suspend: {{ $values.suspend }}
  concurrencyPolicy: Forbid
  # A run that was missed is made up for within the hour.
  startingDeadlineSeconds: 3600
  successfulJobsHistoryLimit: 1
  failedJobsHistoryLimit: 3
  jobTemplate:
    metadata:
      labels:
        {{- include "candor.labels" (list .root .component) | nindent 8 }}
    spec:
      backoffLimit: {{ $values.backoffLimit }}
      activeDeadlineSeconds: {{ $values.activeDeadlineSeconds | int64 }}
      {{- include "candor.podFailurePolicy" .component | nindent 6 }}
      template:
        metadata:
          labels:
            {{- include "candor.selector" (list .root .component) | nindent 12 }}
        spec:
          {{- include "candor.pod" (dict
            "root" .root "component" .component "args" .args "resources" $values.resources
            "restartPolicy" "Never" "catalog" .catalog) | nindent 10 }}
{{- end }}
