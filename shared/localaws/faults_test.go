package localaws_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/localaws"
	"github.com/arngate/arngate/shared/localaws/localawstest"
)

func iamTags(key, value string) []iamtypes.Tag { return []iamtypes.Tag{{Key: &key, Value: &value}} }
func stsTags(key, value string) []ststypes.Tag { return []ststypes.Tag{{Key: &key, Value: &value}} }

func TestFaults(t *testing.T) {
	a := localawstest.Start(t)
	config := a.Config(a.Account(account))
	keys, who := awskms.NewFromConfig(config), awssts.NewFromConfig(config)
	list := func() error {
		_, err := keys.ListKeys(t.Context(), &awskms.ListKeysInput{})
		return err
	}
	a.Inject(localaws.Fault{Service: "kms", Operation: "ListKeys", Count: 2, Code: "ThrottlingException"})
	a.Inject(localaws.Fault{Service: "kms", Count: 1, Status: http.StatusServiceUnavailable})
	if _, err := who.GetCallerIdentity(t.Context(), &awssts.GetCallerIdentityInput{}); err != nil {
		t.Errorf("another service: %v", err)
	}
	if _, err := keys.ListAliases(t.Context(), &awskms.ListAliasesInput{}); refusalOf(err) != (refusal{"InternalFailure", 503}) {
		t.Errorf("another operation meets the second fault: %v", err)
	}
	got := []refusal{refusalOf(list()), refusalOf(list()), refusalOf(list())}
	want := []refusal{{"ThrottlingException", 400}, {"ThrottlingException", 400}, {}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("refusals (-want +got):\n%s", diff)
	}
	a.Inject(localaws.Fault{Code: "InternalFailure", Status: 500})
	for range 3 {
		if list() == nil {
			t.Error("a fault without a count ended")
		}
	}
	a.ClearFaults()
	if err := list(); err != nil {
		t.Errorf("after ClearFaults: %v", err)
	}
}

// CopyObject and CompleteMultipartUpload can fail after the status has been sent.
func TestTrap42ErrorInTheBodyOfASuccess(t *testing.T) {
	a := localawstest.Start(t)
	client := awss3.NewFromConfig(a.Config(a.Account(account)), func(o *awss3.Options) { o.UsePathStyle = true })
	bucket, key := aws.String("bucket"), aws.String("k")
	if _, err := client.CreateBucket(t.Context(), &awss3.CreateBucketInput{Bucket: bucket}); err != nil {
		t.Fatal(err)
	}
	a.Inject(localaws.Fault{Service: "s3", Operation: "CopyObject", Count: 1, Status: 200, Code: "InternalError"})
	a.Inject(localaws.Fault{Service: "s3", Operation: "CompleteMultipartUpload", Count: 1, Status: 200, Code: "InternalError"})
	_, copied := client.CopyObject(t.Context(), &awss3.CopyObjectInput{Bucket: bucket, Key: key, CopySource: aws.String("bucket/other")})
	_, completed := client.CompleteMultipartUpload(t.Context(), &awss3.CompleteMultipartUploadInput{Bucket: bucket, Key: key, UploadId: key})
	for _, err := range []error{copied, completed} {
		if api, ok := errors.AsType[smithy.APIError](err); !ok || api.ErrorCode() != "InternalError" {
			t.Errorf("got %v, want InternalError", err)
		}
	}
	calls := a.Calls()
	if last := calls[len(calls)-1]; last.Status != http.StatusOK || last.Code != "InternalError" || last.Allowed {
		t.Errorf("the log says %+v", last)
	}
}

// A cut connection loses the answer of a call that was carried out; with a code it was not.
func TestCut(t *testing.T) {
	for name, start := range map[string]func(testing.TB) *localawstest.AWS{
		"in process": func(tb testing.TB) *localawstest.AWS { tb.Helper(); return localawstest.Start(tb) },
		"listener":   func(tb testing.TB) *localawstest.AWS { tb.Helper(); return localawstest.Listen(tb) },
	} {
		t.Run(name, func(t *testing.T) {
			a := start(t)
			client := awskms.NewFromConfig(a.Config(a.Account(account)))
			create := func() error {
				_, err := client.CreateKey(t.Context(), &awskms.CreateKeyInput{})
				return err
			}
			count := func() int {
				out, err := client.ListKeys(t.Context(), &awskms.ListKeysInput{})
				if err != nil {
					t.Fatal(err)
				}
				return len(out.Keys)
			}
			a.Inject(localaws.Fault{Operation: "CreateKey", Count: 1, Cut: true})
			if err := create(); err == nil || refusalOf(err) != (refusal{}) {
				t.Errorf("error = %v, want a lost connection", err)
			}
			if got := count(); got != 1 {
				t.Errorf("%d keys after a lost answer, want 1", got)
			}
			a.Inject(localaws.Fault{Operation: "CreateKey", Count: 1, Cut: true, Status: 500})
			if err := create(); err == nil {
				t.Error("no error")
			}
			if got := count(); got != 1 {
				t.Errorf("%d keys after a lost request, want 1", got)
			}
		})
	}
}

func TestCutInProcessIsAnUnexpectedEnd(t *testing.T) {
	a := localawstest.Start(t)
	a.Inject(localaws.Fault{Cut: true})
	_, err := awssts.NewFromConfig(a.Config(a.Account(account))).GetCallerIdentity(t.Context(), &awssts.GetCallerIdentityInput{})
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("error = %v, want %v", err, io.ErrUnexpectedEOF)
	}
}

func TestDelayEndsWithTheRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := localawstest.Start(t)
		client := awssts.NewFromConfig(a.Config(a.Account(account)))
		a.Inject(localaws.Fault{Delay: time.Minute})
		began := time.Now()
		if _, err := client.GetCallerIdentity(t.Context(), &awssts.GetCallerIdentityInput{}); err != nil {
			t.Fatal(err)
		}
		if got := time.Since(began); got != time.Minute {
			t.Errorf("it took %v, want a minute", got)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began = time.Now()
		_, err := client.GetCallerIdentity(ctx, &awssts.GetCallerIdentityInput{})
		if got := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || got != time.Second {
			t.Errorf("error = %v after %v, want the deadline after a second", err, got)
		}
	})
}

func TestCallLog(t *testing.T) {
	a := localawstest.Start(t)
	user := a.AddUser(t, a.Account(account), "reader",
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:ListKeys","Resource":"*"}]}`)
	config := a.Config(user)
	config.AppID = "arngate-test"
	client := awskms.NewFromConfig(config)
	var live []localaws.Call
	cancel := a.Subscribe(func(c localaws.Call) { live = append(live, c) })
	a.ResetCalls()
	if _, err := client.ListKeys(t.Context(), &awskms.ListKeysInput{}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.ListAliases(t.Context(), &awskms.ListAliasesInput{}); err == nil {
		t.Fatal("ListAliases was allowed")
	}
	cancel()
	if _, err := client.DescribeKey(t.Context(), &awskms.DescribeKeyInput{KeyId: aws.String("missing")}); err == nil {
		t.Fatal("a key that is missing was described")
	}
	calls := a.Calls()
	if len(calls) != 3 || len(live) != 2 {
		t.Fatalf("%d calls and %d live, want 3 and 2", len(calls), len(live))
	}
	type line struct {
		Service, Operation, Action, Resource, Principal, Key, Code string
		Allowed                                                    bool
		Status                                                     int
	}
	var got []line
	for _, c := range calls {
		got = append(got, line{c.Service, c.Operation, c.Action, c.Resource, c.Principal, c.AccessKeyID, c.Code, c.Allowed, c.Status})
	}
	arn := "arn:aws:iam::" + account + ":user/reader"
	want := []line{
		{"kms", "ListKeys", "kms:ListKeys", "*", arn, user.AccessKeyID, "", true, 200},
		{"kms", "ListAliases", "kms:ListAliases", "*", arn, user.AccessKeyID, "AccessDeniedException", false, 400},
		{"kms", "DescribeKey", "", "", arn, user.AccessKeyID, "NotFoundException", false, 400},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}

func TestCallLogKeepsTheNewest(t *testing.T) {
	a := localawstest.Start(t, func(o *localaws.Options) { o.LogLimit = 10 })
	client := awssts.NewFromConfig(a.Config(a.Account(account)))
	for range 35 {
		if _, err := client.GetCallerIdentity(t.Context(), &awssts.GetCallerIdentityInput{}); err != nil {
			t.Fatal(err)
		}
	}
	if got := len(a.Calls()); got == 0 || got > 10 {
		t.Errorf("the log keeps %d calls, want at most 10", got)
	}
}
