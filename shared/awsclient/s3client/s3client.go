// Package s3client makes clients for S3 in customers' accounts. It is apart from awsclient because what comes with the SDK's client
// takes time of every cold start that links it, and one connector in three uses it.
package s3client

import (
	"context"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/arngate/arngate/shared/awsclient"
)

// For returns the client of clients for region, or [awsclient.ErrRegion]. Bucket names only: an ARN in place of one is not followed
// into another region or account.
func For(clients *awsclient.Clients, region string) (*awss3.Client, error) {
	return awsclient.For(clients, region, once, func(b awsclient.Base) *awss3.Client {
		return awss3.New(awss3.Options{
			Region: region, BaseEndpoint: b.Endpoint, HTTPClient: b.HTTPClient, Retryer: b.Retryer, AppID: b.AppID,
			Credentials: b.Credentials, APIOptions: b.APIOptions, UsePathStyle: b.Endpoint != nil,
			// Express sessions are credentials that the SDK would keep by itself, beyond the caller's.
			DisableS3ExpressSessionAuth: aws.Bool(true), ExpressCredentials: noExpress{}, DisableMultiRegionAccessPoints: true,
			DisableLogOutputChecksumValidationSkipped: true, EndpointResolverV2: &places{},
		})
	})
}

// once holds for conditional writes, whose repetition fails on what the first one did, and for the end of an upload.
func once(operation string, request *smithyhttp.Request) bool {
	if operation == "CompleteMultipartUpload" {
		return true
	}
	if request.Method == http.MethodGet || request.Method == http.MethodHead {
		return false
	}
	return request.Header.Get("If-Match") != "" || request.Header.Get("If-None-Match") != ""
}

// noExpress stands where the SDK would put its own keeper of S3 Express sessions, which is off. That one would be shared
// with every client made for presigning, and each making writes to it while others read (trap 13).
type noExpress struct{}

// Retrieve returns [awsclient.ErrNoCredentials].
func (noExpress) Retrieve(context.Context, string) (aws.Credentials, error) {
	return aws.Credentials{}, awsclient.ErrNoCredentials
}
