package connection

import (
	"context"
	"errors"
	"slices"
	"strings"

	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/smithy-go"

	"github.com/arngate/arngate/shared/credentials"
	"github.com/arngate/arngate/shared/problem"
	"github.com/arngate/arngate/shared/registry"
)

// unusable makes a problem of why there are no credentials, with what to do next.
func unusable(opened *registry.Opened, err error) error {
	verify := "verify it: POST /v1/providers/" + opened.Provider.Name + "/verify."
	switch {
	case errors.Is(err, credentials.ErrAwaitingRole):
		return problem.Wrap(problem.ProviderAwaitingRole, "The connection's provider has no role yet.", err).
			WithHint("Create the role from the provider's role kit, enter its ARN in the provider, and " + verify)
	case errors.Is(err, credentials.ErrUnverified):
		return problem.Wrap(problem.ProviderUnverified, "The connection's provider was made or changed and not verified since.", err).
			WithHint("As an administrator or auditor of the site, " + verify)
	case errors.Is(err, credentials.ErrUnsafe):
		return problem.Wrap(problem.ProviderUnsafe, "The role of the connection's provider lets others in, so it is not used.", err).
			WithHint("Replace the role's trust policy by the one the provider shows, and " + verify)
	case errors.Is(err, credentials.ErrUnusable):
		p := problem.Wrap(problem.ProviderUnusable, refusal(opened.Provider), err).WithHint(whatToCheck(opened.Provider) + " Then " + verify)
		p.AWS = answered(opened.Provider, err)
		return p
	case errors.Is(err, credentials.ErrPolicyTooLarge):
		return problem.Wrap(problem.ConnectionTooBroad, "AWS cannot pack the connection's session policy.", err).
			WithHint("Ask an administrator of the site to name fewer or shorter resources in the connection.")
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return problem.Wrap(problem.DeadlineExceeded, "There were no credentials in time.", err)
	default:
		return unminted(opened.Provider, err)
	}
}

func refusal(p registry.Provider) string {
	if p.Method == registry.AccessKeys {
		return "AWS refuses the access keys of the connection's provider."
	}
	return "AWS does not let Arngate assume the role of the connection's provider."
}

// whatToCheck lists the causes that AWS answers alike (trap 8).
func whatToCheck(p registry.Provider) string {
	switch {
	case p.Method == registry.AssumeRole:
		return "Check that the role exists, that its trust policy is the one the provider shows, with this site's id as sts:ExternalId, " +
			"and that its path is the required one."
	case p.Scoping == registry.ScopingNone:
		return "Check that the access key is active and the right one."
	default:
		return "Check that the access key is active and the right one, and that its user's policy allows " +
			`{"Effect": "Allow", "Action": "sts:GetFederationToken", "Resource": "*"}.`
	}
}

// unminted is for what is not the provider's fault: STS throttles, cannot be reached, or refuses the gateway itself.
func unminted(p registry.Provider, err error) error {
	if attempted, ok := errors.AsType[*smithy.OperationError](err); ok && attempted.ServiceID == awskms.ServiceID {
		return problem.FromOwn("The provider's access keys could not be opened.", err)
	}
	explained := problem.FromAWS("sts", operationOf(p), err)
	if slices.Contains([]problem.Code{problem.AWSThrottled, problem.AWSUnavailable, problem.DeadlineExceeded}, explained.Code) {
		return explained
	}
	return problem.Wrap(problem.Internal, "Credentials could not be made.", err)
}

// answered is AWS's answer, if that is what err comes from.
func answered(p registry.Provider, err error) *problem.AWS {
	if _, ok := errors.AsType[smithy.APIError](err); !ok {
		return nil
	}
	return problem.FromAWS("sts", operationOf(p), err).AWS
}

func operationOf(p registry.Provider) string {
	switch {
	case p.Method == registry.AssumeRole:
		return "AssumeRole"
	case p.Scoping == registry.ScopingNone:
		return "GetSessionToken"
	default:
		return "GetFederationToken"
	}
}

func refusedTwice(err error) error {
	return problem.Wrap(problem.ProviderUnusable, "AWS refuses credentials that it has just issued.", err).
		WithHint("Check that the role or access key still exists and that sessions of it are not revoked.")
}

// partitionOf returns the partition that an ARN names.
func partitionOf(arn string) string {
	parts := strings.SplitN(arn, ":", 3)
	if len(parts) < 3 {
		return ""
	}
	return parts[1]
}
