// Package configuration is the function in which a site keeps its authentication providers and connections.
// It also answers what needs no AWS account of a customer: health, the OpenAPI document and who is calling.
//
// It writes the registry's site partitions and may encrypt access keys, but never decrypt them, and it assumes no role.
package configuration

import (
	"errors"

	"github.com/arngate/arngate/shared/caller"
	"github.com/arngate/arngate/shared/httpapi"
	"github.com/arngate/arngate/shared/permissions"
	"github.com/arngate/arngate/shared/problem"
	"github.com/arngate/arngate/shared/registry"
	"github.com/arngate/arngate/shared/seal"
)

// Deps are what the operations work with. All of it is required.
type Deps struct {
	Registry *registry.Store
	Vault    *seal.Vault
	// STS tells whose an access key is, by that key itself.
	STS STS
	// CheckRegion says what is wrong with a region that AWS or the operator doesn't allow.
	CheckRegion func(region string) error
	// GatewayRoleARN is the principal of every trust policy.
	GatewayRoleARN string
	// RolePath is the segment that the path of every role contains, with a slash at both ends.
	RolePath string
	// Partition is the partition of this deployment, such as "aws".
	Partition string
	// Origins are those of the pages that may call the API; none where CORS is off.
	Origins []string
}

// Register adds the function's operations to api.
func Register(api *httpapi.API, deps Deps) {
	registerPublic(api)
	registerMe(api, deps)
	registerProviders(api, deps)
	registerConnections(api, deps)
}

var adminOnly = []string{caller.ScopeAdmin}

// Named is the input of what concerns one provider.
type Named struct {
	Name string `path:"name" doc:"Name in this site" example:"demo"`
}

// NamedConnection is the input of what concerns one connection.
type NamedConnection struct {
	Name string `path:"name" doc:"Name in this site" example:"files"`
}

// changeProblems are what a change of an existing entry may answer with, notFound being that of its kind.
func changeProblems(notFound problem.Code, more ...problem.Code) []problem.Code {
	return append([]problem.Code{notFound, problem.ETagMismatch}, more...)
}

// refusal turns the registry's errors into problems; notFound is what a missing entry is called.
func refusal(err error, notFound problem.Code) error {
	var inUse *registry.InUseError
	switch {
	case errors.Is(err, registry.ErrNotFound):
		return problem.Wrap(notFound, "This site has nothing of that name.", err)
	case errors.Is(err, registry.ErrNameTaken):
		return problem.Wrap(problem.NameTaken, "This site already uses the name.", err).
			WithHint("Choose another name, or change the existing entry with PUT.")
	case errors.Is(err, registry.ErrStale):
		return problem.Wrap(problem.ETagMismatch, "The entry is not the one that If-Match names.", err).
			WithHint("Read it again, and apply the change to what it is now.")
	case errors.Is(err, registry.ErrNoProvider):
		return problem.Invalid(problem.Fault{Pointer: "/provider", Message: "must be the name of a provider of this site"})
	case errors.As(err, &inUse):
		refused := problem.Wrap(problem.ProviderInUse, "Connections use the provider.", err).
			WithHint("Delete these connections first, or give them another provider.")
		refused.Connections = inUse.Connections
		return refused
	}
	return err
}

// faultsOf are the faults of a body whose name, where it has one, must be the path's.
func faultsOf(found []permissions.Fault, path, body string) []problem.Fault {
	faults := make([]problem.Fault, 0, len(found)+1)
	for _, fault := range found {
		faults = append(faults, problem.Fault(fault))
	}
	if body != "" && body != path {
		faults = append(faults, problem.Fault{Pointer: "/name", Message: "must be the name in the path, or be left out"})
	}
	return faults
}
