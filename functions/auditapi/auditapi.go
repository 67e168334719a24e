// Package auditapi is the function through which administrators and auditors have providers and connections verified and audited,
// read what was found, and say what of it they accept.
package auditapi

import (
	"context"

	"github.com/arngate/arngate/shared/audit"
	"github.com/arngate/arngate/shared/audit/archive"
	"github.com/arngate/arngate/shared/audit/dispatch"
	"github.com/arngate/arngate/shared/audit/transfers"
	"github.com/arngate/arngate/shared/credentials"
	"github.com/arngate/arngate/shared/httpapi"
	"github.com/arngate/arngate/shared/registry"
)

// Deps are what the operations work with. All of it is required.
type Deps struct {
	Verifier *audit.Verifier
	Limiter  *audit.Limiter
	Registry *registry.Store
	Minter   *credentials.Minter
	Archive  *archive.Archive
	Queue    *dispatch.Queue
	// Transfers tells whether pages in browsers can use what a connection presigns.
	Transfers *transfers.Checker
	Ring      Sealer // seals links to reports
}

// Sealer seals; a seal.Ring is one. Open's error wraps seal.ErrUnopenable for what can't be opened.
type Sealer interface {
	Seal(ctx context.Context, purpose string, associated, plain []byte) ([]byte, error)
	Open(ctx context.Context, purpose string, associated, sealed []byte) ([]byte, error)
}

// Register adds the function's operations to api.
func Register(api *httpapi.API, deps Deps) {
	registerVerify(api, deps)
	registerAudits(api, deps)
	registerLinks(api, deps)
	registerFindings(api, deps)
}

// tags group the function's operations in the OpenAPI document.
func tags() []string { return []string{"audits"} }
