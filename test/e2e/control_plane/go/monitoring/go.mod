module plimsoll/test/e2e/control_plane/go/monitoring

go 1.24.0

require github.com/prometheus-operator/prometheus-operator v0.85.0 // its custom resource definitions
