package demosite

import (
	"context"
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// permissions is what the demo's role grants: all that its connections need, but no writes to the archive.
//
//go:embed permissions.json
var permissions string

// objects are the demo's files: key to content.
var objects = map[string]string{
	"readme.txt":                "Files of the demo site.\n",
	"photos/harbour.svg":        `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 4 2"><path d="M0 1h4v1H0z" fill="#268"/></svg>`,
	"reports/2026/q1.csv":       "month,orders\nJanuary,41\nFebruary,38\nMarch,52\n",
	"reports/2026/q2.csv":       "month,orders\nApril,47\nMay,55\nJune,61\n",
	"reports/notes & drafts.md": "# Drafts\n",
}

// order is an item of the demo's table.
type order struct {
	ID       string                `dynamodbav:"id"`
	Customer string                `dynamodbav:"customer"`
	Placed   string                `dynamodbav:"placed"`
	Status   string                `dynamodbav:"status"`
	Total    attributevalue.Number `dynamodbav:"total"`
	Tags     []string              `dynamodbav:"tags,stringset,omitempty"`
}

// customer is the demo customer's account, seen by its administrator.
type customer struct {
	iam      *awsiam.Client
	s3       *awss3.Client
	dynamodb *awsdynamodb.Client
}

func newCustomer(cfg aws.Config) customer {
	cfg.Region = Region
	return customer{
		iam:      awsiam.NewFromConfig(cfg),
		s3:       awss3.NewFromConfig(cfg, func(o *awss3.Options) { o.UsePathStyle = true }),
		dynamodb: awsdynamodb.NewFromConfig(cfg),
	}
}

func (c customer) fill(ctx context.Context) error {
	for _, bucket := range []string{Bucket, Archive} {
		if err := c.createBucket(ctx, bucket); err != nil {
			return err
		}
	}
	if err := c.createTable(ctx); err != nil {
		return err
	}
	return c.putOrders(ctx)
}

func (c customer) createBucket(ctx context.Context, bucket string) error {
	_, err := c.s3.CreateBucket(ctx, &awss3.CreateBucketInput{
		Bucket:                    &bucket,
		CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: Region},
	})
	if err != nil {
		return fmt.Errorf("create bucket %s: %w", bucket, err)
	}
	for _, key := range slices.Sorted(maps.Keys(objects)) {
		_, err := c.s3.PutObject(ctx, &awss3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(objects[key]), ContentType: contentType(key)})
		if err != nil {
			return fmt.Errorf("put object %s: %w", key, err)
		}
	}
	return nil
}

func contentType(key string) *string {
	switch {
	case strings.HasSuffix(key, ".csv"):
		return aws.String("text/csv")
	case strings.HasSuffix(key, ".svg"):
		return aws.String("image/svg+xml")
	}
	return aws.String("text/plain; charset=utf-8")
}

func (c customer) createTable(ctx context.Context) error {
	attribute := func(name string) dynamodbtypes.AttributeDefinition {
		return dynamodbtypes.AttributeDefinition{AttributeName: &name, AttributeType: dynamodbtypes.ScalarAttributeTypeS}
	}
	key := func(name string, role dynamodbtypes.KeyType) dynamodbtypes.KeySchemaElement {
		return dynamodbtypes.KeySchemaElement{AttributeName: &name, KeyType: role}
	}
	_, err := c.dynamodb.CreateTable(ctx, &awsdynamodb.CreateTableInput{
		TableName:            aws.String(Table),
		BillingMode:          dynamodbtypes.BillingModePayPerRequest,
		AttributeDefinitions: []dynamodbtypes.AttributeDefinition{attribute("id"), attribute("customer"), attribute("placed")},
		KeySchema:            []dynamodbtypes.KeySchemaElement{key("id", dynamodbtypes.KeyTypeHash)},
		GlobalSecondaryIndexes: []dynamodbtypes.GlobalSecondaryIndex{{
			IndexName:  aws.String("by-customer"),
			KeySchema:  []dynamodbtypes.KeySchemaElement{key("customer", dynamodbtypes.KeyTypeHash), key("placed", dynamodbtypes.KeyTypeRange)},
			Projection: &dynamodbtypes.Projection{ProjectionType: dynamodbtypes.ProjectionTypeAll},
		}},
	})
	if err != nil {
		return fmt.Errorf("create table: %w", err)
	}
	return nil
}

func (c customer) putOrders(ctx context.Context) error {
	first := time.Date(2026, time.January, 5, 9, 0, 0, 0, time.UTC)
	customers := []string{"north-harbour", "juniper-books", "velo-works"}
	statuses := []string{"open", "shipped", "shipped", "returned"}
	for i := range 24 {
		item, err := attributevalue.MarshalMap(order{
			ID:       fmt.Sprintf("o-%03d", i+1),
			Customer: customers[i%len(customers)],
			Placed:   first.AddDate(0, 0, 7*i).Format(time.RFC3339),
			Status:   statuses[i%len(statuses)],
			Total:    attributevalue.Number(fmt.Sprintf("%d.%02d", 20+13*i, (37*i)%100)),
			Tags:     []string{"demo", []string{"gift", "wholesale"}[i%2]},
		})
		if err != nil {
			return fmt.Errorf("marshal order: %w", err)
		}
		if _, err := c.dynamodb.PutItem(ctx, &awsdynamodb.PutItemInput{TableName: aws.String(Table), Item: item}); err != nil {
			return fmt.Errorf("put order: %w", err)
		}
	}
	return nil
}

func (c customer) createRole(ctx context.Context, trust string) error {
	_, err := c.iam.CreateRole(ctx, &awsiam.CreateRoleInput{
		RoleName: aws.String(RoleName), Path: aws.String(rolePath), AssumeRolePolicyDocument: &trust,
	})
	if err != nil {
		return fmt.Errorf("create role: %w", err)
	}
	_, err = c.iam.PutRolePolicy(ctx, &awsiam.PutRolePolicyInput{
		RoleName: aws.String(RoleName), PolicyName: aws.String("arngate"), PolicyDocument: aws.String(permissions),
	})
	if err != nil {
		return fmt.Errorf("put role policy: %w", err)
	}
	return nil
}
