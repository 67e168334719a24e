package credentials_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"
	"pgregory.net/rapid"

	"github.com/arngate/arngate/shared/credentials"
	"github.com/arngate/arngate/shared/localaws/localawstest"
	"github.com/arngate/arngate/shared/permissions"
	"github.com/arngate/arngate/shared/rolekit"
)

// attempt is one call that a session makes, and whether its connection includes it.
type attempt struct {
	name    string
	call    func(ctx context.Context, session aws.Config) error
	allowed bool
}

// confined tries what a connection's credentials can do, on a role that may do everything.
func (c *cloud) confined(fail func(string, ...any), r credentials.Request, limits permissions.Limits, attempts []attempt) {
	c.t.Helper()
	policy, err := permissions.SessionPolicy(limits, "aws", customerAccount)
	if err != nil {
		fail("%+v: %v", limits, err)
	}
	r.Opened.Connection.Policy, r.Opened.Connection.PolicyDigest = policy, sha256.Sum256([]byte(policy))
	minted, err := c.minter().Mint(c.t.Context(), r)
	if err != nil {
		fail("%+v: %v", limits, err)
	}
	session := c.Config(localawstest.Keys{
		AccessKeyID: minted.AccessKeyID, SecretAccessKey: minted.SecretAccessKey.Reveal(), SessionToken: minted.SessionToken.Reveal(),
	})
	for _, a := range attempts {
		c.ResetCalls()
		// What is there to be found doesn't matter: the log says what was allowed.
		_ = a.call(c.t.Context(), session)
		calls := c.Calls()
		if len(calls) != 1 {
			fail("%s: %d calls arrived, want one", a.name, len(calls))
		}
		if calls[0].Allowed != a.allowed {
			fail("%+v: %s is allowed: %t, want %t (policy %s)", limits, a.name, calls[0].Allowed, a.allowed, policy)
		}
	}
}

// never are calls that no connection includes, whatever its role may do.
func never() []attempt {
	trust := `{"Version":"2012-10-17","Statement":[]}`
	return []attempt{
		{"iam:ListUsers", func(ctx context.Context, s aws.Config) error {
			_, err := awsiam.NewFromConfig(s).ListUsers(ctx, &awsiam.ListUsersInput{})
			return err
		}, false},
		{"iam:CreateRole", func(ctx context.Context, s aws.Config) error {
			_, err := awsiam.NewFromConfig(s).CreateRole(ctx, &awsiam.CreateRoleInput{RoleName: aws.String("more"), AssumeRolePolicyDocument: &trust})
			return err
		}, false},
		{"sts:AssumeRole", func(ctx context.Context, s aws.Config) error {
			_, err := awssts.NewFromConfig(s).AssumeRole(ctx, &awssts.AssumeRoleInput{
				RoleArn: aws.String("arn:aws:iam::" + customerAccount + ":role/skuid-assumable-role/demo"), RoleSessionName: aws.String("more"),
			})
			return err
		}, false},
		{"kms:Encrypt", func(ctx context.Context, s aws.Config) error {
			_, err := awskms.NewFromConfig(s).Encrypt(ctx, &awskms.EncryptInput{KeyId: aws.String(customerKey), Plaintext: []byte("x")})
			return err
		}, false},
		{"kms:GenerateDataKey, not by way of S3", func(ctx context.Context, s aws.Config) error {
			_, err := awskms.NewFromConfig(s).GenerateDataKey(ctx, &awskms.GenerateDataKeyInput{KeyId: aws.String(customerKey), NumberOfBytes: aws.Int32(32)})
			return err
		}, false},
		{"s3:CreateBucket", func(ctx context.Context, s aws.Config) error {
			_, err := s3Of(s).CreateBucket(ctx, &awss3.CreateBucketInput{Bucket: aws.String("more")})
			return err
		}, false},
		{"dynamodb:CreateTable", func(ctx context.Context, s aws.Config) error {
			_, err := awsdynamodb.NewFromConfig(s).CreateTable(ctx, &awsdynamodb.CreateTableInput{
				TableName: aws.String("more"), BillingMode: types.BillingModePayPerRequest,
				AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("pk"), AttributeType: types.ScalarAttributeTypeS}},
				KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash}},
			})
			return err
		}, false},
	}
}

const customerKey = "aaaaaaaa-0000-4000-8000-000000000000"

func s3Of(session aws.Config) *awss3.Client {
	return awss3.NewFromConfig(session, func(o *awss3.Options) { o.UsePathStyle = true })
}

// confinement is a cloud with a role that may do everything.
func confinement(t *testing.T) (*cloud, credentials.Request) {
	t.Helper()
	c := newCloud(t)
	if err := c.AddKey(customerAccount, localawstest.Region, customerKey,
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::`+customerAccount+`:root"},"Action":"kms:*","Resource":"*"}]}`); err != nil {
		t.Fatal(err)
	}
	r := c.customerRole("demo", "/skuid-assumable-role/", rolekit.TrustPolicy(c.role, []string{siteA}))
	full(&r)
	return c, r
}

// hostile are texts that mean something in a policy, or look as if they did.
func hostile() []string {
	return []string{"*", "?", "${aws:username}", "${*}", "$", "a", "ab", "a*", "a?", "*a", "\\", "é", "\"", "ada", "a/b", ".."}
}

// Users, actors and prefixes of buckets full of *, ? and ${: each object is within reach, or not, exactly as the connection
// says, by each action of the connector.
func TestConfinedToObjects(t *testing.T) {
	c, r := confinement(t)
	for _, bucket := range []string{"docs", "docs2"} {
		if _, err := s3Of(c.Config(c.customer)).CreateBucket(t.Context(), &awss3.CreateBucketInput{Bucket: &bucket}); err != nil {
			t.Fatal(err)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		names := rapid.SampledFrom(hostile())
		r := r
		r.Caller.User, r.Caller.Actor = names.Draw(rt, "user"), names.Draw(rt, "actor")
		limits := permissions.Limits{
			Connector: permissions.S3, Region: localawstest.Region, ReadOnly: rapid.Bool().Draw(rt, "read only"),
			Buckets: []permissions.Bucket{{Name: "docs", Prefix: names.Draw(rt, "prefix")}},
		}
		if len(limits.Validate()) > 0 {
			return // no such connection can be saved
		}
		bucket := rapid.SampledFrom([]string{"docs", "docs2"}).Draw(rt, "bucket")
		folder := strings.Join(rapid.SliceOfN(names, 1, 2).Draw(rt, "folder"), "/")
		c.confined(rt.Fatalf, r, limits, append(never(), objectAttempts(limits, bucket, folder+"/k")...))
	})
}

func objectAttempts(l permissions.Limits, bucket, key string) []attempt {
	reads, writes := l.AllowsObject(bucket, key), l.AllowsObject(bucket, key) && !l.ReadOnly
	prefix := key[:strings.LastIndex(key, "/")+1]
	on := fmt.Sprintf(" of %s in %s", key, bucket)
	return []attempt{
		{"GetObject" + on, func(ctx context.Context, s aws.Config) error {
			_, err := s3Of(s).GetObject(ctx, &awss3.GetObjectInput{Bucket: &bucket, Key: &key})
			return err
		}, reads},
		{"GetObjectAcl" + on, func(ctx context.Context, s aws.Config) error {
			_, err := s3Of(s).GetObjectAcl(ctx, &awss3.GetObjectAclInput{Bucket: &bucket, Key: &key})
			return err
		}, reads},
		{"PutObject" + on, func(ctx context.Context, s aws.Config) error {
			_, err := s3Of(s).PutObject(ctx, &awss3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader("x")})
			return err
		}, writes},
		{"DeleteObject" + on, func(ctx context.Context, s aws.Config) error {
			_, err := s3Of(s).DeleteObject(ctx, &awss3.DeleteObjectInput{Bucket: &bucket, Key: &key})
			return err
		}, writes},
		{"ListObjectsV2" + on, func(ctx context.Context, s aws.Config) error {
			_, err := s3Of(s).ListObjectsV2(ctx, &awss3.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix})
			return err
		}, l.AllowsListing(bucket, prefix)},
		{"ListBuckets", func(ctx context.Context, s aws.Config) error {
			_, err := s3Of(s).ListBuckets(ctx, &awss3.ListBucketsInput{})
			return err
		}, true},
		{"DeleteBucket", func(ctx context.Context, s aws.Config) error {
			_, err := s3Of(s).DeleteBucket(ctx, &awss3.DeleteBucketInput{Bucket: &bucket})
			return err
		}, false},
		{"GetBucketPolicy", func(ctx context.Context, s aws.Config) error {
			_, err := s3Of(s).GetBucketPolicy(ctx, &awss3.GetBucketPolicyInput{Bucket: &bucket})
			return err
		}, false},
		{"dynamodb:ListTables", func(ctx context.Context, s aws.Config) error {
			_, err := awsdynamodb.NewFromConfig(s).ListTables(ctx, &awsdynamodb.ListTablesInput{})
			return err
		}, false},
		{"lambda:ListFunctions", func(ctx context.Context, s aws.Config) error {
			_, err := awslambda.NewFromConfig(s).ListFunctions(ctx, &awslambda.ListFunctionsInput{})
			return err
		}, false},
	}
}

// Tables and functions by names that differ in a character, or are each other's beginning.
func TestConfinedToTablesAndFunctions(t *testing.T) {
	c, r := confinement(t)
	names := rapid.StringMatching(`aaa[-_a]{0,2}`)
	rapid.Check(t, func(rt *rapid.T) {
		r := r
		r.Caller.User = rapid.SampledFrom(hostile()).Draw(rt, "user")
		limits := permissions.Limits{
			Connector: permissions.DynamoDB, Region: localawstest.Region, ReadOnly: rapid.Bool().Draw(rt, "read only"),
			Tables: rapid.SliceOfNDistinct(names, 1, 3, rapid.ID[string]).Draw(rt, "tables"),
		}
		c.confined(rt.Fatalf, r, limits, append(never(), tableAttempts(limits, names.Draw(rt, "table"))...))
		limits = permissions.Limits{Connector: permissions.Lambda, Region: localawstest.Region, ReadOnly: limits.ReadOnly, Functions: limits.Tables}
		c.confined(rt.Fatalf, r, limits, append(never(), functionAttempts(limits, names.Draw(rt, "function"))...))
	})
}

func tableAttempts(l permissions.Limits, table string) []attempt {
	reads, writes := l.AllowsTable(table), l.AllowsTable(table) && !l.ReadOnly
	key := map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: "1"}}
	const condition, on = "pk = :v", " on a table"
	values := map[string]types.AttributeValue{":v": &types.AttributeValueMemberS{Value: "1"}}
	attempts := []attempt{
		{"DescribeTable" + on, func(ctx context.Context, s aws.Config) error {
			_, err := awsdynamodb.NewFromConfig(s).DescribeTable(ctx, &awsdynamodb.DescribeTableInput{TableName: &table})
			return err
		}, reads},
		{"Scan" + on, func(ctx context.Context, s aws.Config) error {
			_, err := awsdynamodb.NewFromConfig(s).Scan(ctx, &awsdynamodb.ScanInput{TableName: &table, IndexName: aws.String("i-1")})
			return err
		}, reads},
		{"Query" + on, func(ctx context.Context, s aws.Config) error {
			_, err := awsdynamodb.NewFromConfig(s).Query(ctx, &awsdynamodb.QueryInput{
				TableName: &table, KeyConditionExpression: aws.String(condition), ExpressionAttributeValues: values,
			})
			return err
		}, reads},
		{"PutItem" + on, func(ctx context.Context, s aws.Config) error {
			_, err := awsdynamodb.NewFromConfig(s).PutItem(ctx, &awsdynamodb.PutItemInput{TableName: &table, Item: key})
			return err
		}, writes},
		{"UpdateItem" + on, func(ctx context.Context, s aws.Config) error {
			_, err := awsdynamodb.NewFromConfig(s).UpdateItem(ctx, &awsdynamodb.UpdateItemInput{TableName: &table, Key: key})
			return err
		}, writes},
		{"DeleteItem" + on, func(ctx context.Context, s aws.Config) error {
			_, err := awsdynamodb.NewFromConfig(s).DeleteItem(ctx, &awsdynamodb.DeleteItemInput{TableName: &table, Key: key})
			return err
		}, writes},
		{"GetItem" + on, func(ctx context.Context, s aws.Config) error {
			_, err := awsdynamodb.NewFromConfig(s).GetItem(ctx, &awsdynamodb.GetItemInput{TableName: &table, Key: key})
			return err
		}, false}, // not one of the connector's seven actions
		{"DeleteTable" + on, func(ctx context.Context, s aws.Config) error {
			_, err := awsdynamodb.NewFromConfig(s).DeleteTable(ctx, &awsdynamodb.DeleteTableInput{TableName: &table})
			return err
		}, false},
	}
	for i := range attempts {
		attempts[i].name += " " + table
	}
	return attempts
}

func functionAttempts(l permissions.Limits, function string) []attempt {
	invokes := l.AllowsFunction(function) && !l.ReadOnly
	return []attempt{
		{"Invoke " + function, func(ctx context.Context, s aws.Config) error {
			_, err := awslambda.NewFromConfig(s).Invoke(ctx, &awslambda.InvokeInput{FunctionName: &function})
			return err
		}, invokes},
		{"Invoke " + function + ":live", func(ctx context.Context, s aws.Config) error {
			_, err := awslambda.NewFromConfig(s).Invoke(ctx, &awslambda.InvokeInput{FunctionName: &function, Qualifier: aws.String("live")})
			return err
		}, invokes},
		{"ListFunctions", func(ctx context.Context, s aws.Config) error {
			_, err := awslambda.NewFromConfig(s).ListFunctions(ctx, &awslambda.ListFunctionsInput{})
			return err
		}, true},
		{"s3:ListBuckets", func(ctx context.Context, s aws.Config) error {
			_, err := s3Of(s).ListBuckets(ctx, &awss3.ListBucketsInput{})
			return err
		}, false},
	}
}
