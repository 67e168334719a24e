package awsclient_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/arngate/arngate/shared/awsclient"
	"github.com/arngate/arngate/shared/awsclient/lambdaclient"
	"github.com/arngate/arngate/shared/awsclient/s3client"
	"github.com/arngate/arngate/shared/secrettest"
)

var errNotSent = errors.New("nothing is sent from here")

// hosts notes where requests would go.
type hosts struct{ seen []string }

// RoundTrip sends nothing.
func (h *hosts) RoundTrip(r *http.Request) (*http.Response, error) {
	h.seen = append(h.seen, r.URL.Host)
	return nil, errNotSent
}

// trap 21: a region either is refused or is that part of a host name of AWS's, and nothing else of it.
func FuzzTrap21Regions(f *testing.F) {
	for _, region := range []string{
		"eu-central-1", "us-gov-west-1", "cn-north-1", "us-east-1.evil.example#", "aws-global", "us-east-1/", "us-east-1@evil", "fips-us-east-1", "us-east-1-fips",
		"us-iso-east-1", "eusc-de-east-1", "", "-", "us-east-1\x00", "us-east-99", "US-EAST-1", "ｕs-east-1",
	} {
		f.Add(region)
	}
	f.Fuzz(func(t *testing.T, region string) {
		h := &hosts{}
		clients := awsclient.New(awsclient.Options{Transport: h})
		ctx := awsclient.WithCredentials(t.Context(), aws.Credentials{AccessKeyID: "AKIA", SecretAccessKey: secrettest.Plant(secrettest.SecretKey, "regions")})
		if dynamodb, err := clients.DynamoDB(region); err == nil {
			_, _ = dynamodb.ListTables(ctx, &awsdynamodb.ListTablesInput{}, func(o *awsdynamodb.Options) { o.RetryMaxAttempts = 1 }) // it fails: only where it went matters
		}
		if s3, err := s3client.For(clients, region); err == nil {
			_, _ = s3.GetObject(ctx, &awss3.GetObjectInput{Bucket: aws.String("bucket"), Key: aws.String("key")}, func(o *awss3.Options) { o.RetryMaxAttempts = 1 })
		}
		if lambda, err := lambdaclient.For(clients, region); err == nil {
			_, _ = lambda.ListFunctions(ctx, &awslambda.ListFunctionsInput{}, func(o *awslambda.Options) { o.RetryMaxAttempts = 1 })
		}
		if sts, err := clients.STS(region); err == nil {
			_, _ = sts.GetCallerIdentity(ctx, &awssts.GetCallerIdentityInput{}, func(o *awssts.Options) { o.RetryMaxAttempts = 1 })
		}
		for _, host := range h.seen {
			rest, inAWS := "", false
			for _, domain := range []string{"amazonaws.com", "amazonaws.com.cn", "amazonaws.eu", "c2s.ic.gov", "sc2s.sgov.gov", "cloud.adc-e.uk", "csp.hci.ic.gov"} {
				if before, ok := strings.CutSuffix(host, "."+region+"."+domain); ok {
					rest, inAWS = before, true
				}
			}
			if !inAWS || strings.Trim(rest, "abcdefghijklmnopqrstuvwxyz0123.-") != "" {
				t.Errorf("the region %q leads to %q", region, host)
			}
		}
	})
}
