package deployment

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/arngate/arngate/shared/localaws"
	"github.com/arngate/arngate/shared/localgateway/template"
)

// provision creates the template's roles, tables, queues and key as an administrator of the account.
func provision(ctx context.Context, declared *template.Template, o Options) error {
	admin := Administrator(o.AWS, o.AWSEndpoint, o.Transport, Account)
	if err := createRoles(ctx, awsiam.NewFromConfig(admin), declared.Roles); err != nil {
		return err
	}
	if err := createTables(ctx, awsdynamodb.NewFromConfig(admin), declared.Tables); err != nil {
		return err
	}
	if err := createQueues(ctx, awssqs.NewFromConfig(admin), declared.Queues); err != nil {
		return err
	}
	for _, key := range declared.Keys {
		if err := o.AWS.AddKey(Account, Region, key.ID, key.Policy); err != nil {
			return fmt.Errorf("create key %s: %w", key.LogicalID, err)
		}
	}
	return nil
}

// Administrator returns a configuration for SDK clients of an administrator of the account, which is created if need be.
func Administrator(local *localaws.AWS, endpoint string, transport http.RoundTripper, account string) aws.Config {
	id, secret := local.AddAccount(account)
	cfg := aws.Config{
		Region: Region, BaseEndpoint: aws.String(endpoint),
		Credentials: credentials.NewStaticCredentialsProvider(id, secret, ""),
	}
	if transport != nil {
		cfg.HTTPClient = &http.Client{Transport: transport}
	}
	return cfg
}

func createRoles(ctx context.Context, iam *awsiam.Client, roles []template.Role) error {
	for _, role := range roles {
		_, err := iam.CreateRole(ctx, &awsiam.CreateRoleInput{RoleName: &role.Name, Path: &role.Path, AssumeRolePolicyDocument: &role.Trust})
		if err != nil {
			return fmt.Errorf("create role %s: %w", role.LogicalID, err)
		}
		for _, policy := range role.Policies {
			_, err := iam.PutRolePolicy(ctx, &awsiam.PutRolePolicyInput{
				RoleName: &role.Name, PolicyName: &policy.Name, PolicyDocument: &policy.Document,
			})
			if err != nil {
				return fmt.Errorf("put policy %s of role %s: %w", policy.Name, role.LogicalID, err)
			}
		}
	}
	return nil
}

func createTables(ctx context.Context, dynamodb *awsdynamodb.Client, tables []template.Table) error {
	for _, table := range tables {
		input := &awsdynamodb.CreateTableInput{TableName: &table.Name, BillingMode: types.BillingModePayPerRequest}
		add := func(a template.Attribute, role types.KeyType) {
			if a.Name == "" {
				return
			}
			input.AttributeDefinitions = append(input.AttributeDefinitions,
				types.AttributeDefinition{AttributeName: &a.Name, AttributeType: types.ScalarAttributeType(a.Type)})
			input.KeySchema = append(input.KeySchema, types.KeySchemaElement{AttributeName: &a.Name, KeyType: role})
		}
		add(table.PartitionKey, types.KeyTypeHash)
		add(table.SortKey, types.KeyTypeRange)
		if _, err := dynamodb.CreateTable(ctx, input); err != nil {
			return fmt.Errorf("create table %s: %w", table.LogicalID, err)
		}
		if table.TTLAttribute == "" {
			continue
		}
		_, err := dynamodb.UpdateTimeToLive(ctx, &awsdynamodb.UpdateTimeToLiveInput{
			TableName:               &table.Name,
			TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: &table.TTLAttribute, Enabled: aws.Bool(true)},
		})
		if err != nil {
			return fmt.Errorf("set time to live of %s: %w", table.LogicalID, err)
		}
	}
	return nil
}

func createQueues(ctx context.Context, sqs *awssqs.Client, queues []template.Queue) error {
	for _, queue := range queues {
		attributes := map[string]string{
			"VisibilityTimeout": strconv.Itoa(queue.VisibilityTimeout), "MessageRetentionPeriod": strconv.Itoa(queue.Retention),
		}
		if queue.DeadLetters != "" {
			attributes["RedrivePolicy"] = fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":%d}`, queue.DeadLetters, queue.MaxReceives)
		}
		if _, err := sqs.CreateQueue(ctx, &awssqs.CreateQueueInput{QueueName: &queue.Name, Attributes: attributes}); err != nil {
			return fmt.Errorf("create queue %s: %w", queue.LogicalID, err)
		}
	}
	return nil
}
