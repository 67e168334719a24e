// Package auditclient makes the clients in customers' accounts that audits need and connectors don't. It is apart from awsclient
// because the tables that come with the SDK's clients take time of every cold start that links them.
package auditclient

import (
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/arngate/arngate/shared/awsclient"
	"github.com/arngate/arngate/shared/awsclient/lambdaclient"
	"github.com/arngate/arngate/shared/awsclient/s3client"
)

// Clients are all clients. Safe for concurrent use.
type Clients struct{ *awsclient.Clients }

// Lambda returns the client for region, or [awsclient.ErrRegion].
func (c Clients) Lambda(region string) (*awslambda.Client, error) {
	return lambdaclient.For(c.Clients, region)
}

// S3 returns the client for region, or [awsclient.ErrRegion].
func (c Clients) S3(region string) (*awss3.Client, error) {
	return s3client.For(c.Clients, region)
}

// IAM returns the client for the partition of region, or [awsclient.ErrRegion]. It is for the audit's reads.
func (c Clients) IAM(region string) (*awsiam.Client, error) {
	return awsclient.For(c.Clients, region, nil, func(b awsclient.Base) *awsiam.Client {
		return awsiam.New(awsiam.Options{
			Region: region, BaseEndpoint: b.Endpoint, HTTPClient: b.HTTPClient, Retryer: b.Retryer, AppID: b.AppID,
			Credentials: b.Credentials, APIOptions: b.APIOptions, HTTPSignerV4: b.Signer,
		})
	})
}
