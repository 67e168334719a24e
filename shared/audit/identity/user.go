package identity

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"
)

// User reads the user of that ARN, its groups, and when the access key was made. The error is one of AWS's or the network's
// that says nothing about permissions.
func User(ctx context.Context, iam IAM, arn, accessKeyID string) (*Identity, error) {
	name := arn[strings.LastIndexByte(arn, '/')+1:]
	r := reader{iam, &Identity{Name: name}}
	out, err := iam.GetUser(ctx, &awsiam.GetUserInput{UserName: &name})
	if err := r.gap(err, "iam:GetUser", arn); err != nil {
		return nil, err
	}
	if out != nil && out.User != nil {
		r.to.ARN, r.to.Tags = aws.ToString(out.User.Arn), tagsOf(out.User.Tags)
		if err := r.boundary(ctx, out.User.PermissionsBoundary); err != nil {
			return nil, err
		}
	}
	for _, read := range [...]func(context.Context, string, string) error{r.userInline, r.userAttached, r.groups} {
		if err := read(ctx, arn, name); err != nil {
			return nil, err
		}
	}
	return r.to, r.key(ctx, name, accessKeyID)
}

func (r reader) userInline(ctx context.Context, arn, name string) error {
	in := &awsiam.ListUserPoliciesInput{UserName: &name}
	for {
		out, err := r.iam.ListUserPolicies(ctx, in)
		if err != nil {
			return r.gap(err, "iam:ListUserPolicies", arn)
		}
		for _, each := range out.PolicyNames {
			got, err := r.iam.GetUserPolicy(ctx, &awsiam.GetUserPolicyInput{UserName: &name, PolicyName: &each})
			if err := r.gap(err, "iam:GetUserPolicy", arn); err != nil {
				return err
			}
			if got != nil {
				r.add(Policy{Name: each}, aws.ToString(got.PolicyDocument), "iam:GetUserPolicy", arn)
			}
		}
		if !out.IsTruncated {
			return nil
		}
		in.Marker = out.Marker
	}
}

func (r reader) userAttached(ctx context.Context, arn, name string) error {
	in := &awsiam.ListAttachedUserPoliciesInput{UserName: &name}
	for {
		out, err := r.iam.ListAttachedUserPolicies(ctx, in)
		if err != nil {
			return r.gap(err, "iam:ListAttachedUserPolicies", arn)
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

// groups reads the groups' policies, which are the user's too.
func (r reader) groups(ctx context.Context, arn, name string) error {
	in := &awsiam.ListGroupsForUserInput{UserName: &name}
	for {
		out, err := r.iam.ListGroupsForUser(ctx, in)
		if err != nil {
			return r.gap(err, "iam:ListGroupsForUser", arn)
		}
		for _, group := range out.Groups {
			r.to.Groups = append(r.to.Groups, aws.ToString(group.Arn))
			if err := r.groupInline(ctx, aws.ToString(group.Arn), aws.ToString(group.GroupName)); err != nil {
				return err
			}
			if err := r.groupAttached(ctx, aws.ToString(group.Arn), aws.ToString(group.GroupName)); err != nil {
				return err
			}
		}
		if !out.IsTruncated {
			return nil
		}
		in.Marker = out.Marker
	}
}

func (r reader) groupInline(ctx context.Context, arn, name string) error {
	in := &awsiam.ListGroupPoliciesInput{GroupName: &name}
	for {
		out, err := r.iam.ListGroupPolicies(ctx, in)
		if err != nil {
			return r.gap(err, "iam:ListGroupPolicies", arn)
		}
		for _, each := range out.PolicyNames {
			got, err := r.iam.GetGroupPolicy(ctx, &awsiam.GetGroupPolicyInput{GroupName: &name, PolicyName: &each})
			if err := r.gap(err, "iam:GetGroupPolicy", arn); err != nil {
				return err
			}
			if got != nil {
				r.add(Policy{Name: each, Group: name}, aws.ToString(got.PolicyDocument), "iam:GetGroupPolicy", arn)
			}
		}
		if !out.IsTruncated {
			return nil
		}
		in.Marker = out.Marker
	}
}

func (r reader) groupAttached(ctx context.Context, arn, name string) error {
	in := &awsiam.ListAttachedGroupPoliciesInput{GroupName: &name}
	for {
		out, err := r.iam.ListAttachedGroupPolicies(ctx, in)
		if err != nil {
			return r.gap(err, "iam:ListAttachedGroupPolicies", arn)
		}
		if err := r.attached(ctx, out.AttachedPolicies, name); err != nil {
			return err
		}
		if !out.IsTruncated {
			return nil
		}
		in.Marker = out.Marker
	}
}

// key finds out when the access key was made. Whether that may be read says nothing about what is granted, so it is no gap.
func (r reader) key(ctx context.Context, name, accessKeyID string) error {
	in := &awsiam.ListAccessKeysInput{UserName: &name}
	for {
		out, err := r.iam.ListAccessKeys(ctx, in)
		if err != nil {
			gaps := r.to.Gaps
			err = r.gap(err, "iam:ListAccessKeys", name)
			r.to.Gaps = gaps
			return err
		}
		for _, k := range out.AccessKeyMetadata {
			if aws.ToString(k.AccessKeyId) == accessKeyID && k.CreateDate != nil {
				r.to.KeyCreated = *k.CreateDate
			}
		}
		if !out.IsTruncated {
			return nil
		}
		in.Marker = out.Marker
	}
}
