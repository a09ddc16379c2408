{{- define "selfsame.pod" -}}
{{- $scaleOut := eq .Values.mode "scale-out" -}}
{{- if $scaleOut -}}
{{- $_ := required "database.secret: several servers need a database: name the Secret with its address" .Values.database.secret -}}
{{- $_ := required "objects.place: several servers need a bucket: name it as s3://BUCKET/PREFIX" .Values.objects.place -}}
{{- end -}}
{{- if .Values.objects.place -}}
{{- $_ := required "objects.secret: name the Secret with the credentials of the object storage" .Values.objects.secret -}}
{{- end -}}
metadata:
  labels:
    {{- include "selfsame.labels" . | nindent 4 }}
  annotations:
    {{- if .Values.mirrors }}
    checksum/mirrors: {{ .Values.mirrors | sha256sum }}
    {{- end }}
    {{- with .Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "selfsame.account" . }}
  automountServiceAccountToken: false
  # Otherwise variables such as SELFSAME_PORT appear, which are no options.
  enableServiceLinks: false
  # 20 s for requests on their way and 10 s to publish what was acknowledged, after everybody knows that the server stops.
  terminationGracePeriodSeconds: {{ add 45 .Values.drainSeconds }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    fsGroup: 65532
    fsGroupChangePolicy: OnRootMismatch
    seccompProfile:
      type: RuntimeDefault
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if .Values.affinity }}
  affinity:
    {{- toYaml .Values.affinity | nindent 4 }}
  {{- else if $scaleOut }}
  affinity:
    podAntiAffinity:
      preferredDuringSchedulingIgnoredDuringExecution:
        - weight: 100
          podAffinityTerm:
            topologyKey: kubernetes.io/hostname
            labelSelector:
              matchLabels:
                {{- include "selfsame.selector" . | nindent 16 }}
  {{- end }}
  containers:
    - name: selfsame
      image: {{ include "selfsame.image" . }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args:
        - serve
        - --data=/data/selfsame
        - --listen=0.0.0.0:8420
        - --origin={{ required "origin: give the ledger a name, such as example.org/ledger" .Values.origin }}
        - --log={{ .Values.log }}
        - --keys=/keys
        {{- if .Values.objects.place }}
        - --objects={{ .Values.objects.place }}
        {{- with .Values.objects.endpoint }}
        - --objects-endpoint={{ . }}
        {{- end }}
        - --objects-region={{ .Values.objects.region }}
        - --objects-style={{ .Values.objects.style }}
        {{- end }}
        {{- if .Values.mirrors }}
        - --mirrors=/config/mirrors.yaml
        {{- end }}
        {{- with .Values.extraArgs }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      env:
        {{- if $scaleOut }}
        - name: SELFSAME_DATABASE
          valueFrom:
            secretKeyRef:
              name: {{ .Values.database.secret }}
              key: {{ .Values.database.key }}
        {{- end }}
        {{- if .Values.objects.place }}
        {{- $secret := .Values.objects.secret }}
        {{- range $name := list "AWS_ACCESS_KEY_ID" "AWS_SECRET_ACCESS_KEY" "AWS_SESSION_TOKEN" }}
        - name: {{ $name }}
          valueFrom:
            secretKeyRef:
              name: {{ $secret }}
              key: {{ $name }}
              optional: {{ eq $name "AWS_SESSION_TOKEN" }}
        {{- end }}
        {{- end }}
        # For verbs that are run beside the server: `kubectl exec ... -- /bin/selfsame doctor`.
        - name: SELFSAME_DATA
          value: /data/selfsame
        - name: SELFSAME_KEYS
          value: /keys
        {{- with .Values.extraEnv }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      ports:
        - name: http
          containerPort: 8420
      # It listens once the database is of its version, which may take a while after an upgrade.
      startupProbe:
        httpGet:
          path: /v1/health
          port: http
        periodSeconds: 2
        failureThreshold: 450
      livenessProbe:
        httpGet:
          path: /v1/health
          port: http
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 6
      readinessProbe:
        httpGet:
          path: /v1/ready
          port: http
        periodSeconds: 5
        timeoutSeconds: 5
        failureThreshold: 2
      {{- if and (gt (int .Values.drainSeconds) 0) (semverCompare ">=1.30.0-0" .Capabilities.KubeVersion.Version) }}
      lifecycle:
        preStop:
          sleep:
            seconds: {{ .Values.drainSeconds }}
      {{- end }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities:
          drop: [ALL]
      resources:
        {{- toYaml .Values.resources | nindent 8 }}
      volumeMounts:
        - name: data
          mountPath: /data
        - name: tmp
          mountPath: /tmp
        - name: keys
          mountPath: /keys
          readOnly: true
        {{- if .Values.mirrors }}
        - name: config
          mountPath: /config
          readOnly: true
        {{- end }}
  volumes:
    - name: tmp
      emptyDir: {}
    {{- if $scaleOut }}
    # Scratch only: what lasts is in the database and in the bucket.
    - name: data
      emptyDir:
        sizeLimit: {{ .Values.volume.scratch }}
    {{- end }}
    - name: keys
      secret:
        secretName: {{ required "keys.secret: name the Secret with the ledger's keys; `selfsame keys create` makes them" .Values.keys.secret }}
        # The server's group may read it, and nobody else: 0440.
        defaultMode: 288
    {{- if .Values.mirrors }}
    - name: config
      configMap:
        name: {{ include "selfsame.name" . }}
    {{- end }}
{{- end -}}
