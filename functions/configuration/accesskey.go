package configuration

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/arngate/arngate/shared/awsclient"
	"github.com/arngate/arngate/shared/httpapi"
	"github.com/arngate/arngate/shared/problem"
	"github.com/arngate/arngate/shared/registry"
	"github.com/arngate/arngate/shared/rolekit"
	"github.com/arngate/arngate/shared/seal"
)

// STS is what the function calls of AWS Security Token Service, with keys that it was just given.
type STS interface {
	GetCallerIdentity(context.Context, *awssts.GetCallerIdentityInput, ...func(*awssts.Options)) (*awssts.GetCallerIdentityOutput, error)
}

type rotateInput struct {
	Named
	httpapi.IfMatch
	Body accessKeyBody
}

type accessKeyBody struct {
	AccessKeyID     string      `json:"access_key_id" doc:"The new long-lived access key of the IAM user" example:"AKIA0123456789EXAMPLE"`
	SecretAccessKey seal.Secret `json:"secret_access_key" writeOnly:"true" doc:"Write-only"`
}

type rotateOutput struct {
	ETag string `header:"ETag"`
	Body rotated
}

// rotated is the provider with its new key, and what to do about the old one.
type rotated struct {
	Provider
	ReplacedAccessKeyID string `json:"replaced_access_key_id" doc:"The key that was there before"`
	DeactivateCommand   string `json:"deactivate_command" doc:"For the AWS CLI, once the provider is verified: deactivates the key that was replaced"`
}

func registerAccessKey(api *httpapi.API, p providers) {
	httpapi.Register(api, httpapi.Operation{
		ID: "rotate-access-key", Method: http.MethodPut, Path: "/v1/providers/{name}/access-key", Scopes: adminOnly, Tags: []string{"providers"},
		Summary: "Rotate a provider's access key",
		Description: "AWS is asked whose the new key is, with the key itself, before it takes the old one's place: one that AWS refuses, the root user's, " +
			"or another account's changes nothing. Verify the provider then, and deactivate the key that was replaced. If-Match is honoured.",
		Problems:       changeProblems(problem.ProviderNotFound, problem.AWSThrottled, problem.AWSUnavailable),
		RequestExample: map[string]any{"access_key_id": "AKIA0123456789EXAMPLE", "secret_access_key": "(the secret access key)"},
	}, p.rotate)
}

func (p providers) rotate(ctx context.Context, in *rotateInput) (*rotateOutput, error) {
	stored, state, err := p.find(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	if !in.Match(stored.Revision) {
		return nil, refusal(registry.ErrStale, problem.ProviderNotFound)
	}
	entry, err := p.rekeyed(stored, in.Body)
	if err != nil {
		return nil, err
	}
	who, err := p.identify(ctx, in.Body)
	if err != nil {
		return nil, err
	}
	if fault := foreign(who, stored, state); fault != "" {
		return nil, problem.Invalid(problem.Fault{Pointer: "/access_key_id", Message: fault})
	}
	if err := p.seal(ctx, &entry, in.Body.SecretAccessKey); err != nil {
		return nil, err
	}
	// What was compared with is what is replaced.
	updated, err := p.deps.Registry.UpdateProvider(ctx, entry, registry.Only(stored.Revision))
	if err != nil {
		return nil, refusal(err, problem.ProviderNotFound)
	}
	return &rotateOutput{ETag: httpapi.ETag(updated.Revision), Body: rotated{
		Provider: p.view(updated, state), ReplacedAccessKeyID: stored.AccessKeyID,
		DeactivateCommand: rolekit.Command("aws", "iam", "update-access-key", "--user-name="+userName(who),
			"--access-key-id="+stored.AccessKeyID, "--status=Inactive"),
	}}, nil
}

// rekeyed is the provider with the new key, without its secret. All faults come together.
func (p providers) rekeyed(stored registry.Provider, body accessKeyBody) (registry.Provider, error) {
	if stored.Method != registry.AccessKeys {
		return registry.Provider{}, problem.New(problem.InvalidRequest, "The provider assumes a role: it has no access key.").
			WithHint("To change to access keys, replace the provider.")
	}
	entry := stored
	entry.AccessKeyID = body.AccessKeyID
	faults := faultsOf(entry.Validate(p.deps.Partition, p.deps.RolePath), "", "")
	if body.AccessKeyID == stored.AccessKeyID {
		faults = append(faults, problem.Fault{Pointer: "/access_key_id", Message: "must be another key than the provider has"})
	}
	if body.SecretAccessKey.Empty() {
		faults = append(faults, problem.Fault{Pointer: "/secret_access_key", Message: "must not be empty"})
	}
	if len(faults) > 0 {
		return registry.Provider{}, problem.Invalid(faults...)
	}
	return entry, nil
}

// saving is what is left of a request's time for the key to be sealed and stored, when AWS is waited for.
const saving = 4 * time.Second

// identify asks AWS whose the key is. The call needs no permission, so a refusal is one of the key. One that AWS doesn't know
// is asked for again: it may have been made just now (trap 9).
func (p providers) identify(ctx context.Context, key accessKeyBody) (*awssts.GetCallerIdentityOutput, error) {
	signed := awsclient.WithCredentials(ctx, aws.Credentials{
		AccessKeyID: key.AccessKeyID, SecretAccessKey: key.SecretAccessKey.Reveal(), Source: "arngate",
	})
	var who *awssts.GetCallerIdentityOutput
	var err error
	waited, ended := awsclient.Persist(ctx, saving, func() bool {
		who, err = p.deps.STS.GetCallerIdentity(signed, &awssts.GetCallerIdentityInput{})
		return answered(err, "InvalidClientTokenId", "InvalidAccessKeyId", "UnrecognizedClientException")
	})
	switch {
	case ended != nil:
		return nil, fmt.Errorf("wait for access key: %w", ended)
	case err == nil:
		return who, nil
	case answered(err, "InvalidClientTokenId", "InvalidAccessKeyId", "UnrecognizedClientException", "SignatureDoesNotMatch",
		"IncompleteSignature", "AccessDenied", "AccessDeniedException"):
		refused := problem.Invalid(problem.Fault{Pointer: "/access_key_id", Message: "is refused by AWS, alone or with this secret"})
		refused.Cause = err
		return nil, refused.WithHint(fmt.Sprintf("Nothing was changed. AWS was asked for %d seconds, as a new key takes some to be known.",
			int(waited.Round(time.Second)/time.Second)))
	}
	return nil, problem.FromAWS("sts", "GetCallerIdentity", err)
}

// answered reports whether err is AWS's answer with one of these codes.
func answered(err error, codes ...string) bool {
	answer, ok := errors.AsType[smithy.APIError](err)
	return ok && slices.Contains(codes, answer.ErrorCode())
}

// foreign says why the key can't take the place of the provider's; empty if it can.
func foreign(who *awssts.GetCallerIdentityOutput, stored registry.Provider, state registry.State) string {
	switch {
	case !strings.Contains(aws.ToString(who.Arn), ":user/"):
		return "must be an IAM user's: no policy limits the root user's"
	case state.Account != "" && stored.Counts(state) && state.Account != aws.ToString(who.Account):
		return "must be of the account that the provider's key is of"
	}
	return ""
}

// userName is the name of an IAM user: what follows the last slash of its ARN.
func userName(who *awssts.GetCallerIdentityOutput) string {
	arn := aws.ToString(who.Arn)
	return arn[strings.LastIndexByte(arn, '/')+1:]
}
