package audit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"

	"github.com/arngate/arngate/shared/awsclient"
	"github.com/arngate/arngate/shared/registry"
)

// reserve is what the other checks need of a request's time, when a new role or key is waited for (trap 9).
const reserve = 4 * time.Second

// Verify finds out whether the site's provider can be used, and by this site alone, and stores what it found. At most
// eight calls to STS, retries aside. It returns an error wrapping registry.ErrNotFound, [ErrAwaitingRole] or
// [ErrInconclusive]; that the provider is of no use is not an error but what was found.
func (v *Verifier) Verify(ctx context.Context, site, name string) (Verification, error) {
	run, err := v.run(ctx, site, name)
	if err != nil {
		return Verification{}, fmt.Errorf("verify provider: %w", err)
	}
	return run.result, nil
}

// run makes a verify and returns it with what an audit goes on with.
func (v *Verifier) run(ctx context.Context, site, name string) (*run, error) {
	provider, err := v.registry.Provider(ctx, site, name)
	if err != nil {
		return nil, err
	}
	run := &run{
		Verifier: v, provider: provider,
		result: Verification{Provider: name, Status: registry.Ready, VerifiedAt: time.Now().UTC()},
	}
	switch {
	case provider.Method == registry.AccessKeys:
		err = run.verifyKeys(ctx)
	case provider.RoleARN == "":
		err = ErrAwaitingRole
	default:
		err = run.verifyRole(ctx)
	}
	if err != nil {
		return nil, err
	}
	if err := v.registry.PutState(ctx, site, name, run.state()); err != nil {
		return nil, err
	}
	return run, nil
}

// run is one verify under way.
type run struct {
	*Verifier
	provider registry.Provider
	result   Verification

	caller  string          // ARN of the user that stored keys belong to; "" while unknown
	control aws.Credentials // of the last session made: under it everything is denied; without keys there is none
}

func (r *run) state() registry.State {
	return registry.State{
		Revision: r.provider.Revision, Status: r.result.Status, Trace: r.result.Trace, Account: r.result.Account,
		Reason: r.result.Reason, VerifiedAt: r.result.VerifiedAt,
	}
}

// note keeps a check. One that failed or proves nothing keeps the provider from being ready; unsafe outweighs unusable.
func (r *run) note(c Check, otherwise registry.Status) {
	r.result.Checks = append(r.result.Checks, c)
	if c.Verdict == Passed || c.Verdict == Skipped || otherwise == registry.Ready {
		return
	}
	if r.result.Status == registry.Ready || (otherwise == registry.Unsafe && r.result.Status != registry.Unsafe) {
		r.result.Status, r.result.Reason = otherwise, c.Name
	}
}

// skip keeps checks that were not made.
func (r *run) skip(names ...string) {
	for _, name := range names {
		r.result.Checks = append(r.result.Checks, Check{
			Name: name, Verdict: Skipped, Evidence: "Not tried, because an earlier check failed.",
		})
	}
}

// persist calls until it is not refused, for as long as IAM may take to spread a change. It reports whether it was not,
// and counts as one call.
func (r *run) persist(ctx context.Context, call func() error) (allowed bool, err error) {
	r.result.Calls++
	waited, ended := awsclient.Persist(ctx, reserve, func() bool {
		allowed, err = r.judge(call())
		return !allowed && err == nil
	})
	if waited > 0 {
		r.result.WaitedSeconds = int(waited.Round(time.Second) / time.Second)
	}
	if ended != nil {
		return false, fmt.Errorf("%w: %w", ErrInconclusive, ended)
	}
	return allowed, err
}

// once makes one call and reports whether it was not refused.
func (r *run) once(call func() error) (allowed bool, err error) {
	r.result.Calls++
	return r.judge(call())
}

// judge tells a refusal from an answer that says nothing about the provider. STS throttles with the status of a refusal
// (trap 8): the code decides.
func (r *run) judge(err error) (allowed bool, inconclusive error) {
	if err == nil {
		return true, nil
	}
	if answer, ok := errors.AsType[smithy.APIError](err); ok {
		switch answer.ErrorCode() {
		case "AccessDenied", "AccessDeniedException":
			return false, nil
		case "InvalidClientTokenId", "SignatureDoesNotMatch", "InvalidAccessKeyId", "UnrecognizedClientException", "IncompleteSignature":
			// Of a customer's keys these are refusals; of the gateway's own credentials they say nothing.
			if r.provider.Method == registry.AccessKeys {
				return false, nil
			}
		default:
		}
	}
	return false, fmt.Errorf("%w: %w", ErrInconclusive, err)
}
