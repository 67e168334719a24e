package s3client_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/arngate/arngate/shared/awsclient"
	"github.com/arngate/arngate/shared/awsclient/s3client"
	"github.com/arngate/arngate/shared/secrettest"
)

func keys() aws.Credentials {
	return aws.Credentials{AccessKeyID: "ASIAONE", SecretAccessKey: secrettest.Plant(secrettest.SecretKey, "/s")}
}

// A client made for presigning shares what the SDK keeps in its options; without noExpress the race detector says so.
func TestTrap13PresigningBesideCalls(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<ListBucketResult/>") }))
	t.Cleanup(server.Close)
	client, err := s3client.For(awsclient.New(awsclient.Options{Endpoint: server.URL}), region)
	if err != nil {
		t.Fatal(err)
	}
	ctx := awsclient.WithCredentials(t.Context(), keys())
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() {
			if _, err := client.ListObjectsV2(ctx, &awss3.ListObjectsV2Input{Bucket: aws.String("files")}); err != nil {
				t.Error(err)
			}
		})
		callers.Go(func() {
			presign := awss3.NewPresignClient(client, awss3.WithPresignClientFromClientOptions(func(o *awss3.Options) { o.RetryMaxAttempts = 1 }))
			if _, err := presign.PresignGetObject(ctx, &awss3.GetObjectInput{Bucket: aws.String("files"), Key: aws.String("k")}); err != nil {
				t.Error(err)
			}
		})
	}
	callers.Wait()
}
