package audit_test

import (
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/arngate/arngate/shared/localaws/localawstest"
	"github.com/arngate/arngate/shared/registry"
	"github.com/arngate/arngate/shared/rolekit"
)

func (w *world) addManaged(client *awsiam.Client) []string {
	var arns []string
	for name, document := range w.c.Managed {
		out, err := client.CreatePolicy(w.t.Context(), &awsiam.CreatePolicyInput{
			PolicyName: &name, PolicyDocument: aws.String(w.fill(string(document))),
		})
		w.must(err)
		arns = append(arns, *out.Policy.Arn)
	}
	return append(arns, w.c.Attached...)
}

// readsOf is the policy that grants the audit's reads, on exactly what it reads.
func readsOf(own, arn string, groups, managed []string) string {
	quote := func(s []string) string { return `["` + strings.Join(s, `","`) + `"]` }
	statements := `{"Effect":"Allow","Action":[` + own + `],"Resource":"` + arn + `"}`
	if len(groups) > 0 {
		statements += `,{"Effect":"Allow","Action":["iam:ListGroupPolicies","iam:GetGroupPolicy","iam:ListAttachedGroupPolicies"],"Resource":` + quote(groups) + `}`
	}
	if len(managed) > 0 {
		statements += `,{"Effect":"Allow","Action":["iam:GetPolicy","iam:GetPolicyVersion"],"Resource":` + quote(managed) + `}`
	}
	return `{"Version":"2012-10-17","Statement":[` + statements + `]}`
}

func (w *world) addRole() {
	ctx := w.t.Context()
	client := awsiam.NewFromConfig(w.Config(w.admin))
	path := rolePath
	if w.c.Path != "" {
		path = w.c.Path
	}
	w.arn = "arn:aws:iam::" + customerAccount + ":role" + path + "demo"
	trust := rolekit.TrustPolicy(gatewayARN, []string{siteA})
	if w.c.Trust != nil {
		trust = w.fill(string(w.c.Trust))
	}
	in := &awsiam.CreateRoleInput{RoleName: aws.String("demo"), Path: &path, AssumeRolePolicyDocument: &trust}
	for key, value := range w.c.Tags {
		in.Tags = append(in.Tags, iamtypes.Tag{Key: &key, Value: &value})
	}
	managed := w.addManaged(client)
	readable := managed
	if w.c.Boundary != nil {
		document := w.fill(string(w.c.Boundary))
		boundary := "arn:aws:iam::" + customerAccount + ":policy/boundary"
		readable = append(readable, boundary)
		if document == `"kit"` {
			document = joined(w.t, w.kit(), readsOf(reads, w.arn, nil, readable))
		}
		_, err := client.CreatePolicy(ctx, &awsiam.CreatePolicyInput{PolicyName: aws.String("boundary"), PolicyDocument: &document})
		w.must(err)
		in.PermissionsBoundary = &boundary
	}
	_, err := client.CreateRole(ctx, in)
	w.must(err)
	put := func(name, document string) {
		_, err := client.PutRolePolicy(ctx, &awsiam.PutRolePolicyInput{RoleName: aws.String("demo"), PolicyName: &name, PolicyDocument: &document})
		w.must(err)
	}
	w.addInline(put, readsOf(reads, w.arn, nil, readable))
	for _, arn := range managed {
		_, err := client.AttachRolePolicy(ctx, &awsiam.AttachRolePolicyInput{RoleName: aws.String("demo"), PolicyArn: &arn})
		w.must(err)
	}
	w.registry.provider = registry.Provider{
		Site: siteA, Name: "main", Method: registry.AssumeRole, RoleARN: w.arn, Revision: "r1", Created: time.Now(), Updated: time.Now(),
	}
}

func (w *world) addInline(put func(name, document string), reads string) {
	if w.c.Kit {
		put("connections", w.kit())
	}
	if !w.c.NoReads {
		put("audit", reads)
	}
	for name, document := range w.c.Inline {
		put(name, w.fill(string(document)))
	}
}

func (w *world) addUser() {
	ctx, u := w.t.Context(), w.c.User
	client := awsiam.NewFromConfig(w.Config(w.admin))
	keys := localawstest.Keys{}
	if u.Root {
		keys.AccessKeyID, keys.SecretAccessKey = w.AddRootKey(customerAccount)
	} else {
		keys = w.AddUser(w.t, w.admin, "arngate", "")
		w.arn = "arn:aws:iam::" + customerAccount + ":user/arngate"
		var groups []string
		for name, document := range u.Groups {
			_, err := client.CreateGroup(ctx, &awsiam.CreateGroupInput{GroupName: &name})
			w.must(err)
			_, err = client.PutGroupPolicy(ctx, &awsiam.PutGroupPolicyInput{GroupName: &name, PolicyName: aws.String("group"), PolicyDocument: aws.String(string(document))})
			w.must(err)
			_, err = client.AddUserToGroup(ctx, &awsiam.AddUserToGroupInput{GroupName: &name, UserName: aws.String("arngate")})
			w.must(err)
			groups = append(groups, "arn:aws:iam::"+customerAccount+":group/"+name)
		}
		managed := w.addManaged(client)
		put := func(name, document string) {
			_, err := client.PutUserPolicy(ctx, &awsiam.PutUserPolicyInput{UserName: aws.String("arngate"), PolicyName: &name, PolicyDocument: &document})
			w.must(err)
		}
		w.addInline(put, readsOf(userReads, w.arn, groups, managed))
		for _, arn := range managed {
			_, err := client.AttachUserPolicy(ctx, &awsiam.AttachUserPolicyInput{UserName: aws.String("arngate"), PolicyArn: &arn})
			w.must(err)
		}
	}
	w.accessKey = keys.AccessKeyID
	secret := keys.SecretAccessKey
	if u.WrongSecret {
		secret = strings.Repeat("x", 40)
	}
	w.registry.provider = registry.Provider{
		Site: siteA, Name: "main", Method: registry.AccessKeys, AccessKeyID: keys.AccessKeyID, SealedSecret: []byte(secret),
		Scoping: u.Scoping, Revision: "r1", Created: time.Now(), Updated: time.Now(),
	}
}
