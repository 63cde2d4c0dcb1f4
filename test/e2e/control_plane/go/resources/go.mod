module plimsoll/test/e2e/control_plane/go/resources

go 1.25.0

// Their custom resource definitions are read, nothing is built of them.
require (
	github.com/cert-manager/cert-manager v1.19.1
	github.com/kedacore/keda/v2 v2.21.0
	github.com/prometheus-operator/prometheus-operator v0.85.0
)
