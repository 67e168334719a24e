package audit

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/arngate/arngate/shared/caller"
	"github.com/arngate/arngate/shared/credentials"
	"github.com/arngate/arngate/shared/permissions"
	"github.com/arngate/arngate/shared/registry"
)

// probeSeconds is the shortest session there is (AWS STS API Reference, AssumeRole, DurationSeconds).
const probeSeconds = 900

const (
	checkTrust = "Replace the role's trust policy by the one that the provider shows."
	addTracing = "Add the provider's second trust statement (sts:TagSession, sts:SetSourceIdentity): CloudTrail then names the user."
)

// verifyRole makes the checks of a role in their order. If this site does not get in it stops, with one failure that
// tells no more: otherwise verify would scan other people's roles.
func (r *run) verifyRole(ctx context.Context) error {
	role, ok := r.checkRoleARN()
	if !ok {
		return nil
	}
	session, err := r.checkAssume(ctx)
	if err != nil || session == nil {
		return err
	}
	if err := r.checkRefusals(ctx); err != nil {
		return err
	}
	if err := r.checkTrace(ctx); err != nil {
		return err
	}
	return r.checkIdentity(ctx, role, session)
}

// checkRoleARN takes the role's ARN apart; ok is false if it is not one that can be assumed here.
func (r *run) checkRoleARN() (role registry.RoleARN, ok bool) {
	role, fault := registry.ParseRoleARN(r.provider.RoleARN, r.options.Partition, r.options.RolePath)
	if fault != nil {
		r.note(Check{
			Name: CheckRoleARN, Verdict: Failed, Evidence: "The role ARN " + fault.Error() + ".",
			Remedy: "Create the role under the path " + r.options.RolePath + " and enter its whole ARN.",
		}, registry.Unusable)
		r.skip(CheckAssume, CheckNoExternalID, CheckWrongExternalID, CheckStillAssumable, CheckSessionTags, CheckSourceIdentity, CheckIdentity)
		return registry.RoleARN{}, false
	}
	r.note(Check{Name: CheckRoleARN, Verdict: Passed, Evidence: "The ARN names a role under the required path."}, registry.Unusable)
	return role, true
}

// checkAssume assumes the role as requests do, and returns the session, nil if it is refused.
func (r *run) checkAssume(ctx context.Context) (*ststypes.Credentials, error) {
	var session *ststypes.Credentials
	allowed, err := r.persist(ctx, func() (err error) {
		session, err = r.assume(ctx, r.probe(r.provider.Site))
		return err
	})
	if err != nil {
		return nil, err
	}
	if allowed {
		r.note(Check{
			Name: CheckAssume, Verdict: Passed, Evidence: "The role can be assumed with this site's id as external id." + r.afterWaiting(),
		}, registry.Unusable)
		return session, nil
	}
	r.note(Check{
		Name: CheckAssume, Verdict: Failed,
		Evidence: "AWS refused: AccessDenied, which it answers alike for a role that does not exist and one that does not trust Arngate." +
			r.afterWaiting(),
		Remedy: "Check the ARN. " + checkTrust,
	}, registry.Unusable)
	r.skip(CheckNoExternalID, CheckWrongExternalID, CheckStillAssumable, CheckSessionTags, CheckSourceIdentity, CheckIdentity)
	return nil, nil //nolint:nilnil // the checks say why there is no session
}

// checkRefusals tries to get in as others would. A refusal counts only if the role still lets this site in afterwards.
func (r *run) checkRefusals(ctx context.Context) error {
	without := r.probe("")
	without.ExternalId = nil
	noneAllowed, err := r.allowed(ctx, without)
	if err != nil {
		return err
	}
	wrongAllowed, err := r.allowed(ctx, r.probe(randomSite()))
	if err != nil {
		return err
	}
	steady, err := r.allowed(ctx, r.probe(r.provider.Site))
	if err != nil {
		return err
	}
	r.noteRefusal(CheckNoExternalID, "without an external id", noneAllowed, steady)
	r.noteRefusal(CheckWrongExternalID, "with another site's external id", wrongAllowed, steady)
	check := Check{Name: CheckStillAssumable, Verdict: Passed, Evidence: "Right after that, this site could assume the role again."}
	if !steady {
		check.Verdict, check.Evidence = Failed, "Right after that, this site was refused as well, so the refusals prove nothing."
		check.Remedy = "If the trust policy was just changed, verify again in a minute."
	}
	r.note(check, registry.Unusable)
	return nil
}

func (r *run) noteRefusal(name, how string, allowed, steady bool) {
	switch {
	case allowed:
		r.note(Check{
			Name: name, Verdict: Failed, Evidence: "The role can be assumed " + how + ".",
			Remedy: checkTrust + " Every statement that allows sts:AssumeRole must demand the external id by StringEquals.",
		}, registry.Unsafe)
	case !steady:
		r.note(Check{Name: name, Verdict: Unknown, Evidence: "AWS refused, but refused this site as well."}, registry.Unusable)
	default:
		r.note(Check{Name: name, Verdict: Passed, Evidence: "AWS refused to let the role be assumed " + how + "."}, registry.Unsafe)
	}
}

// checkTrace finds out what sessions may record of the user: both together first, as that is the usual case; what of the
// two is missing only if that is refused. Neither keeps the provider from being ready.
func (r *run) checkTrace(ctx context.Context) error {
	tags, identity := r.probeTags(), aws.String(credentials.SourceIdentity(caller.AuditUser))
	both := r.probe(r.provider.Site)
	both.Tags, both.SourceIdentity = tags, identity
	full, err := r.allowed(ctx, both)
	if err != nil {
		return err
	}
	r.result.Trace = registry.TraceFull
	tagsAllowed, identityAllowed := full, full
	if !full {
		r.result.Trace = registry.TraceName
		tagged, named := r.probe(r.provider.Site), r.probe(r.provider.Site)
		tagged.Tags, named.SourceIdentity = tags, identity
		if tagsAllowed, err = r.allowed(ctx, tagged); err != nil {
			return err
		}
		if identityAllowed, err = r.allowed(ctx, named); err != nil {
			return err
		}
	}
	r.noteTrace(CheckSessionTags, "session tags", tagsAllowed)
	r.noteTrace(CheckSourceIdentity, "a source identity", identityAllowed)
	return nil
}

func (r *run) noteTrace(name, what string, allowed bool) {
	check := Check{Name: name, Verdict: Passed, Evidence: "Sessions of the role may carry " + what + "."}
	if !allowed {
		check.Verdict, check.Evidence = Failed, "AWS refused a session with "+what+": sessions will carry the user in their name alone."
		check.Remedy = addTracing
	}
	r.note(check, registry.Ready)
}

// checkIdentity asks who the session is. An assumed role's ARN has no path, so account and name are what can be compared.
func (r *run) checkIdentity(ctx context.Context, role registry.RoleARN, session *ststypes.Credentials) error {
	var got *awssts.GetCallerIdentityOutput
	allowed, err := r.once(func() (err error) {
		got, err = r.customer.GetCallerIdentity(ctx, &awssts.GetCallerIdentityInput{}, credentials.SignWith(sdkCredentials(session)))
		return err
	})
	if err != nil {
		return err
	}
	check := Check{Name: CheckIdentity, Verdict: Failed, Evidence: "AWS would not say who the session is."}
	if allowed {
		account, name := assumedRole(aws.ToString(got.Arn))
		if account == role.Account && name == role.Name && aws.ToString(got.Account) == role.Account {
			r.result.Account = account
			check.Verdict, check.Evidence = Passed, "The session is of that role in that account."
		} else {
			check.Evidence = "The session is not of the role that the ARN names."
			check.Remedy = "Check the ARN."
		}
	}
	r.note(check, registry.Unusable)
	return nil
}

// allowed makes one attempt to assume the role.
func (r *run) allowed(ctx context.Context, in *awssts.AssumeRoleInput) (bool, error) {
	return r.once(func() error {
		_, err := r.assume(ctx, in)
		return err
	})
}

func (r *run) assume(ctx context.Context, in *awssts.AssumeRoleInput) (*ststypes.Credentials, error) {
	out, err := r.gateway.AssumeRole(ctx, in)
	if err != nil {
		return nil, err
	}
	r.control = sdkCredentials(out.Credentials)
	return out.Credentials, nil
}

// probe is an attempt to assume the role whose credentials would be useless: all is denied to them, and they live for 15
// minutes.
func (r *run) probe(externalID string) *awssts.AssumeRoleInput {
	return &awssts.AssumeRoleInput{
		RoleArn:         aws.String(r.provider.RoleARN),
		RoleSessionName: aws.String(credentials.SessionName(caller.AuditUser, r.provider.Site)),
		ExternalId:      aws.String(externalID),
		Policy:          aws.String(permissions.DenyAll()),
		DurationSeconds: aws.Int32(probeSeconds),
	}
}

// probeTags are the tags that a mint sets.
func (r *run) probeTags() []ststypes.Tag {
	tag := func(name, value string) ststypes.Tag {
		return ststypes.Tag{Key: aws.String("arngate:" + name), Value: aws.String(value)}
	}
	return []ststypes.Tag{
		tag("site", r.provider.Site), tag("user", caller.AuditUser), tag("actor", caller.AuditUser), tag("connection", "verify"),
	}
}

func (r *run) afterWaiting() string {
	if r.result.WaitedSeconds == 0 {
		return ""
	}
	return fmt.Sprintf(" Tried again for %d seconds, because IAM's changes take a while.", r.result.WaitedSeconds)
}

// randomSite returns a random UUID (RFC 9562, version 4): nobody's site.
func randomSite() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the process instead
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	s := hex.EncodeToString(b[:])
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

// assumedRole takes an assumed role's ARN apart: arn:<partition>:sts::<account>:assumed-role/<name>/<session>.
func assumedRole(arn string) (account, name string) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[2] != "sts" {
		return "", ""
	}
	resource := strings.Split(parts[5], "/")
	if len(resource) != 3 || resource[0] != "assumed-role" {
		return "", ""
	}
	return parts[4], resource[1]
}

func sdkCredentials(c *ststypes.Credentials) aws.Credentials {
	return aws.Credentials{
		AccessKeyID: aws.ToString(c.AccessKeyId), SecretAccessKey: aws.ToString(c.SecretAccessKey),
		SessionToken: aws.ToString(c.SessionToken), Source: "arngate",
	}
}
