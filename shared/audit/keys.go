package audit

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/arngate/arngate/shared/caller"
	"github.com/arngate/arngate/shared/credentials"
	"github.com/arngate/arngate/shared/permissions"
	"github.com/arngate/arngate/shared/registry"
)

// verifyKeys makes the checks of stored access keys: who they are, that they are not the account's root's, and that
// sessions can be made from them.
func (r *run) verifyKeys(ctx context.Context) error {
	keys, err := r.keys.LongLived(ctx, r.provider)
	if err != nil {
		return fmt.Errorf("open access keys: %w", err)
	}
	sign := credentials.SignWith(keys)
	var got *awssts.GetCallerIdentityOutput
	allowed, err := r.persist(ctx, func() (err error) {
		got, err = r.customer.GetCallerIdentity(ctx, &awssts.GetCallerIdentityInput{}, sign)
		return err
	})
	if err != nil {
		return err
	}
	if !allowed {
		r.note(Check{
			Name: CheckIdentity, Verdict: Failed, Evidence: "AWS refused the access keys." + r.afterWaiting(),
			Remedy: "Check that the key is active and that id and secret belong together.",
		}, registry.Unusable)
		r.skip(CheckNotRoot, CheckSession)
		return nil
	}
	r.result.Account, r.caller = aws.ToString(got.Account), aws.ToString(got.Arn)
	r.note(Check{Name: CheckIdentity, Verdict: Passed, Evidence: "AWS takes the access keys." + r.afterWaiting()}, registry.Unusable)
	if strings.HasSuffix(aws.ToString(got.Arn), ":root") {
		r.note(Check{
			Name: CheckNotRoot, Verdict: Failed, Evidence: "The keys are those of the account's root user, whom no policy limits.",
			Remedy: "Delete these keys, and make an IAM user with the permissions of the provider's role kit.",
		}, registry.Unusable)
		r.skip(CheckSession)
		return nil
	}
	r.note(Check{Name: CheckNotRoot, Verdict: Passed, Evidence: "The keys are not the root user's."}, registry.Unusable)
	return r.checkSession(ctx, sign)
}

// checkSession makes a session as a mint would, but one that may do nothing.
func (r *run) checkSession(ctx context.Context, sign func(*awssts.Options)) error {
	name := "sts:GetFederationToken"
	call := func() error {
		out, err := r.customer.GetFederationToken(ctx, &awssts.GetFederationTokenInput{
			Name:   aws.String(credentials.FederationName(caller.AuditUser, r.provider.Site)),
			Policy: aws.String(permissions.DenyAll()), DurationSeconds: aws.Int32(probeSeconds),
		}, sign)
		if err == nil {
			r.control = sdkCredentials(out.Credentials)
		}
		return err
	}
	if r.provider.Scoping == registry.ScopingNone {
		name = "sts:GetSessionToken"
		call = func() error {
			_, err := r.customer.GetSessionToken(ctx, &awssts.GetSessionTokenInput{DurationSeconds: aws.Int32(probeSeconds)}, sign)
			return err
		}
	}
	allowed, err := r.once(call)
	if err != nil {
		return err
	}
	check := Check{Name: CheckSession, Verdict: Passed, Evidence: "The keys can make sessions with " + name + "."}
	if !allowed {
		check.Verdict, check.Evidence = Failed, "AWS refused "+name+"."
		check.Remedy = `Add to the user's policy: {"Effect": "Allow", "Action": "` + name + `", "Resource": "*"}.`
	}
	r.note(check, registry.Unusable)
	return nil
}
