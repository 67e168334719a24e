// Package identity reads from IAM what a role or a user is granted: trust, policies, boundary, tags.
//
// What may not be read is a gap, not an error: an audit says then what it doesn't know.
package identity

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/smithy-go"

	"github.com/arngate/arngate/shared/policy"
)

// IAM is what is called of AWS IAM. The calls carry their credentials in the context.
type IAM interface {
	GetRole(context.Context, *awsiam.GetRoleInput, ...func(*awsiam.Options)) (*awsiam.GetRoleOutput, error)
	ListRolePolicies(context.Context, *awsiam.ListRolePoliciesInput, ...func(*awsiam.Options)) (*awsiam.ListRolePoliciesOutput, error)
	GetRolePolicy(context.Context, *awsiam.GetRolePolicyInput, ...func(*awsiam.Options)) (*awsiam.GetRolePolicyOutput, error)
	ListAttachedRolePolicies(context.Context, *awsiam.ListAttachedRolePoliciesInput, ...func(*awsiam.Options)) (*awsiam.ListAttachedRolePoliciesOutput, error)
	GetPolicy(context.Context, *awsiam.GetPolicyInput, ...func(*awsiam.Options)) (*awsiam.GetPolicyOutput, error)
	GetPolicyVersion(context.Context, *awsiam.GetPolicyVersionInput, ...func(*awsiam.Options)) (*awsiam.GetPolicyVersionOutput, error)
	GetUser(context.Context, *awsiam.GetUserInput, ...func(*awsiam.Options)) (*awsiam.GetUserOutput, error)
	ListUserPolicies(context.Context, *awsiam.ListUserPoliciesInput, ...func(*awsiam.Options)) (*awsiam.ListUserPoliciesOutput, error)
	GetUserPolicy(context.Context, *awsiam.GetUserPolicyInput, ...func(*awsiam.Options)) (*awsiam.GetUserPolicyOutput, error)
	ListAttachedUserPolicies(context.Context, *awsiam.ListAttachedUserPoliciesInput, ...func(*awsiam.Options)) (*awsiam.ListAttachedUserPoliciesOutput, error)
	ListGroupsForUser(context.Context, *awsiam.ListGroupsForUserInput, ...func(*awsiam.Options)) (*awsiam.ListGroupsForUserOutput, error)
	ListGroupPolicies(context.Context, *awsiam.ListGroupPoliciesInput, ...func(*awsiam.Options)) (*awsiam.ListGroupPoliciesOutput, error)
	GetGroupPolicy(context.Context, *awsiam.GetGroupPolicyInput, ...func(*awsiam.Options)) (*awsiam.GetGroupPolicyOutput, error)
	ListAttachedGroupPolicies(context.Context, *awsiam.ListAttachedGroupPoliciesInput, ...func(*awsiam.Options)) (*awsiam.ListAttachedGroupPoliciesOutput, error)
	ListAccessKeys(context.Context, *awsiam.ListAccessKeysInput, ...func(*awsiam.Options)) (*awsiam.ListAccessKeysOutput, error)
}

// Policy is one policy as it was read.
type Policy struct {
	Name     string           `json:"name"`
	ARN      string           `json:"arn,omitzero"`   // of a managed policy; empty: inline
	Group    string           `json:"group,omitzero"` // the group that has it; empty: the role or user itself
	Text     string           `json:"-"`
	Document *policy.Document `json:"-"`
}

// Gap is something that could not be read.
type Gap struct {
	Action   string `json:"action"`   // of IAM, that was refused
	Resource string `json:"resource"` // ARN
	Code     string `json:"code"`     // AWS's, or "MalformedPolicy" for what can't be understood
}

// Identity is a role or user as IAM describes it, as far as it may be read.
type Identity struct {
	ARN        string // "" if it may not be read
	Name       string
	Tags       map[string]string
	TrustText  string           // of a role
	Trust      *policy.Document // nil if it may not be read
	Policies   []Policy
	Boundary   *Policy // nil if there is none, or it may not be read: then there is a gap
	Groups     []string
	KeyCreated time.Time // of the access key that was asked about; zero if that may not be read
	Gaps       []Gap
}

// Complete reports whether everything that grants or bounds was read.
func (i *Identity) Complete() bool { return len(i.Gaps) == 0 }

// reader reads one identity.
type reader struct {
	iam IAM
	to  *Identity
}

// Role reads the role of that ARN. The error is one of AWS's or the network's that says nothing about permissions.
func Role(ctx context.Context, iam IAM, arn, name string) (*Identity, error) {
	r := reader{iam, &Identity{Name: name}}
	out, err := iam.GetRole(ctx, &awsiam.GetRoleInput{RoleName: &name})
	if err := r.gap(err, "iam:GetRole", arn); err != nil {
		return nil, err
	}
	if out != nil && out.Role != nil {
		r.to.ARN, r.to.Tags = aws.ToString(out.Role.Arn), tagsOf(out.Role.Tags)
		if text, document := r.parse(aws.ToString(out.Role.AssumeRolePolicyDocument), "iam:GetRole", arn); document != nil {
			r.to.TrustText, r.to.Trust = text, document
		}
		if err := r.boundary(ctx, out.Role.PermissionsBoundary); err != nil {
			return nil, err
		}
	}
	if err := r.roleInline(ctx, arn, name); err != nil {
		return nil, err
	}
	return r.to, r.roleAttached(ctx, arn, name)
}

func (r reader) roleInline(ctx context.Context, arn, name string) error {
	in := &awsiam.ListRolePoliciesInput{RoleName: &name}
	for {
		out, err := r.iam.ListRolePolicies(ctx, in)
		if err != nil {
			return r.gap(err, "iam:ListRolePolicies", arn)
		}
		for _, each := range out.PolicyNames {
			got, err := r.iam.GetRolePolicy(ctx, &awsiam.GetRolePolicyInput{RoleName: &name, PolicyName: &each})
			if err := r.gap(err, "iam:GetRolePolicy", arn); err != nil {
				return err
			}
			if got != nil {
				r.add(Policy{Name: each}, aws.ToString(got.PolicyDocument), "iam:GetRolePolicy", arn)
			}
		}
		if !out.IsTruncated {
			return nil
		}
		in.Marker = out.Marker
	}
}

func (r reader) roleAttached(ctx context.Context, arn, name string) error {
	in := &awsiam.ListAttachedRolePoliciesInput{RoleName: &name}
	for {
		out, err := r.iam.ListAttachedRolePolicies(ctx, in)
		if err != nil {
			return r.gap(err, "iam:ListAttachedRolePolicies", arn)
		}
		if err := r.attached(ctx, out.AttachedPolicies, ""); err != nil {
			return err
		}
		if !out.IsTruncated {
			return nil
		}
		in.Marker = out.Marker
	}
}

func (r reader) attached(ctx context.Context, policies []types.AttachedPolicy, group string) error {
	for _, each := range policies {
		p, err := r.managed(ctx, aws.ToString(each.PolicyArn))
		if err != nil {
			return err
		}
		if p != nil {
			p.Group = group
			r.to.Policies = append(r.to.Policies, *p)
		}
	}
	return nil
}

func (r reader) boundary(ctx context.Context, b *types.AttachedPermissionsBoundary) (err error) {
	if b == nil {
		return nil
	}
	r.to.Boundary, err = r.managed(ctx, aws.ToString(b.PermissionsBoundaryArn))
	return err
}

// managed reads a managed policy in the version that counts; nil if that may not be read.
func (r reader) managed(ctx context.Context, arn string) (*Policy, error) {
	about, err := r.iam.GetPolicy(ctx, &awsiam.GetPolicyInput{PolicyArn: &arn})
	if err != nil || about.Policy == nil {
		return nil, r.gap(err, "iam:GetPolicy", arn)
	}
	version, err := r.iam.GetPolicyVersion(ctx, &awsiam.GetPolicyVersionInput{PolicyArn: &arn, VersionId: about.Policy.DefaultVersionId})
	if err != nil || version.PolicyVersion == nil {
		return nil, r.gap(err, "iam:GetPolicyVersion", arn)
	}
	text, document := r.parse(aws.ToString(version.PolicyVersion.Document), "iam:GetPolicyVersion", arn)
	if document == nil {
		return nil, nil //nolint:nilnil // the gap says why there is none
	}
	return &Policy{Name: aws.ToString(about.Policy.PolicyName), ARN: arn, Text: text, Document: document}, nil
}

// add keeps an inline policy.
func (r reader) add(p Policy, encoded, action, arn string) {
	if p.Text, p.Document = r.parse(encoded, action, arn); p.Document != nil {
		r.to.Policies = append(r.to.Policies, p)
	}
}

// parse reads a document, which comes percent-encoded (IAM API Reference, GetRolePolicy). What isn't a policy as we know
// them is a gap.
func (r reader) parse(encoded, action, arn string) (string, *policy.Document) {
	text, err := url.QueryUnescape(encoded)
	if err == nil {
		var document *policy.Document
		if document, err = policy.Parse([]byte(text)); err == nil {
			return text, document
		}
	}
	r.to.Gaps = append(r.to.Gaps, Gap{Action: action, Resource: arn, Code: "MalformedPolicy"})
	return "", nil
}

// gap notes a refusal. Any other error is returned.
func (r reader) gap(err error, action, resource string) error {
	if err == nil {
		return nil
	}
	if answer, ok := errors.AsType[smithy.APIError](err); ok {
		switch answer.ErrorCode() {
		case "AccessDenied", "AccessDeniedException", "NoSuchEntity", "NoSuchEntityException":
			r.to.Gaps = append(r.to.Gaps, Gap{Action: action, Resource: resource, Code: answer.ErrorCode()})
			return nil
		default:
		}
	}
	return fmt.Errorf("read %s: %w", action, err)
}

func tagsOf(tags []types.Tag) map[string]string {
	all := map[string]string{}
	for _, t := range tags {
		all[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return all
}
