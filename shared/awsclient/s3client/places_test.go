package s3client

import (
	"context"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	smithyauth "github.com/aws/smithy-go/auth"
	smithyendpoints "github.com/aws/smithy-go/endpoints"

	"github.com/arngate/arngate/shared/awsclient/endpoints/endpointstest"
)

func TestEveryParameterIsInTheKey(t *testing.T) {
	endpointstest.KeyDependsOn(t, placeOf, "Key", "Prefix", "CopySource")
}

func TestRememberedEndpointsAreTheSDKs(t *testing.T) {
	ctx := t.Context()
	var s3 places
	for _, bucket := range []*string{
		nil, aws.String("files"), aws.String("with.dots"), aws.String("Upper_Case"), aws.String("fast--use1-az4--x-s3"),
		aws.String("arn:aws:s3:us-east-1:123456789012:accesspoint/mine"), aws.String("arn:aws:s3::123456789012:accesspoint:mrap.mrap"), aws.String(""),
	} {
		for _, key := range []*string{nil, aws.String("a/b"), aws.String("arn:aws:s3:::other/key")} {
			for _, region := range []string{"us-east-1", "eu-central-1", "cn-north-1"} {
				for _, endpoint := range []*string{nil, aws.String("http://127.0.0.1:9")} {
					p := awss3.EndpointParameters{
						Bucket: bucket, Region: &region, Endpoint: endpoint, ForcePathStyle: aws.Bool(endpoint != nil), Key: key, Prefix: key, CopySource: key,
						DisableMultiRegionAccessPoints: aws.Bool(true), DisableS3ExpressSessionAuth: aws.Bool(true), UseArnRegion: aws.Bool(false),
					}
					endpointstest.Same(t, aws.ToString(bucket)+" in "+region,
						func() (smithyendpoints.Endpoint, error) {
							return awss3.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, p)
						},
						func() (smithyendpoints.Endpoint, error) { return s3.ResolveEndpoint(ctx, p) })
				}
			}
		}
	}
}

// Every call gets a copy to write into.
func TestEndpointsAreACallsOwn(t *testing.T) {
	var s3 places
	resolve := func() smithyendpoints.Endpoint {
		e, err := s3.ResolveEndpoint(context.Background(), awss3.EndpointParameters{Region: aws.String("us-east-1"), Bucket: aws.String("files")})
		if err != nil {
			t.Error(err)
		}
		return e
	}
	want := resolve()
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			e := resolve()
			options, _ := smithyauth.GetAuthOptions(&e.Properties)
			options[0].SchemeID = "mine"
			options[0].SignerProperties.Set("mine", "too")
			options[0].IdentityProperties.Set("mine", "too")
			e.Properties.Set("mine", "too")
			e.URI.Host = "mine"
		})
	}
	all.Wait()
	if diff := endpointstest.Diff(want, resolve()); diff != "" {
		t.Errorf("another call's copy (-want +got):\n%s", diff)
	}
}
