package awsclient

import (
	"context"
	"reflect"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	smithyauth "github.com/aws/smithy-go/auth"
	smithyendpoints "github.com/aws/smithy-go/endpoints"
	"github.com/google/go-cmp/cmp"
)

// keyChanges holds for each parameter whether the key depends on it, for one of the SDK's that is not asked about here too.
func keyChanges[P any, K comparable](t *testing.T, key func(P) K, ignored ...string) {
	t.Helper()
	var none P
	leftOut := map[string]bool{}
	for _, name := range ignored {
		leftOut[name] = true
	}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[P]()) {
		var one P
		if at := reflect.ValueOf(&one).Elem().FieldByIndex(field.Index); at.Kind() == reflect.Slice {
			at.Set(reflect.MakeSlice(at.Type(), 1, 1))
		} else {
			at.Set(reflect.New(at.Type().Elem()))
		}
		if got, want := key(one) != key(none), !leftOut[field.Name]; got != want {
			t.Errorf("%s changes the key: %t, want %t", field.Name, got, want)
		}
	}
}

func TestEveryParameterIsInTheKey(t *testing.T) {
	keyChanges(t, keyOfS3, "Key", "Prefix", "CopySource")
	keyChanges(t, keyOfDynamoDB, "ResourceArn", "ResourceArnList")
}

// plainEndpoint is an endpoint to compare.
func plainEndpoint(e smithyendpoints.Endpoint) any {
	type option struct {
		scheme           string
		identity, signer map[any]any
	}
	var options []option
	found, _ := smithyauth.GetAuthOptions(&e.Properties)
	for _, o := range found {
		options = append(options, option{o.SchemeID, o.IdentityProperties.Values(), o.SignerProperties.Values()})
	}
	return []any{e.URI.String(), e.Headers, len(e.Properties.Values()), options}
}

func sameEndpoint(t *testing.T, name string, resolve, remembered func() (smithyendpoints.Endpoint, error)) {
	t.Helper()
	want, wantErr := resolve()
	for range 2 {
		got, err := remembered()
		if (err == nil) != (wantErr == nil) {
			t.Errorf("%s: error %v, want %v", name, err, wantErr)
		}
		if diff := cmp.Diff(plainEndpoint(want), plainEndpoint(got), cmp.Exporter(func(reflect.Type) bool { return true })); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestRememberedEndpointsAreTheSDKs(t *testing.T) {
	ctx := t.Context()
	var s3 s3Endpoints
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
					sameEndpoint(t, aws.ToString(bucket)+" in "+region,
						func() (smithyendpoints.Endpoint, error) {
							return awss3.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, p)
						},
						func() (smithyendpoints.Endpoint, error) { return s3.ResolveEndpoint(ctx, p) })
				}
			}
		}
	}
	var dynamodb dynamoDBEndpoints
	for _, table := range []*string{nil, aws.String("Orders"), aws.String("arn:aws:dynamodb:eu-west-1:123456789012:table/Orders")} {
		for _, region := range []string{"us-east-1", "eu-central-1", "cn-north-1"} {
			p := awsdynamodb.EndpointParameters{Region: &region, ResourceArn: table, AccountIdEndpointMode: aws.String("disabled")}
			sameEndpoint(t, aws.ToString(table)+" in "+region,
				func() (smithyendpoints.Endpoint, error) {
					return awsdynamodb.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, p)
				},
				func() (smithyendpoints.Endpoint, error) { return dynamodb.ResolveEndpoint(ctx, p) })
		}
	}
}

// Every call gets a copy to write into, and no bucket stays for ever.
func TestEndpointsAreACallsOwn(t *testing.T) {
	var s3 s3Endpoints
	resolve := func(bucket string) smithyendpoints.Endpoint {
		e, err := s3.ResolveEndpoint(context.Background(), awss3.EndpointParameters{Region: aws.String("us-east-1"), Bucket: &bucket})
		if err != nil {
			t.Error(err)
		}
		return e
	}
	want := plainEndpoint(resolve("files"))
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			e := resolve("files")
			options, _ := smithyauth.GetAuthOptions(&e.Properties)
			options[0].SchemeID = "mine"
			options[0].SignerProperties.Set("mine", "too")
			options[0].IdentityProperties.Set("mine", "too")
			e.Properties.Set("mine", "too")
			e.URI.Host = "mine"
		})
	}
	all.Wait()
	if diff := cmp.Diff(want, plainEndpoint(resolve("files")), cmp.Exporter(func(reflect.Type) bool { return true })); diff != "" {
		t.Errorf("another call's copy (-want +got):\n%s", diff)
	}
	for i := range 3 * maxEndpoints {
		resolve("files-" + string(rune('a'+i%26)) + string(rune('a'+i/26%26)) + string(rune('a'+i/676)))
	}
	if len(s3.known) > maxEndpoints {
		t.Errorf("%d endpoints are remembered", len(s3.known))
	}
}
