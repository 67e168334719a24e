package deployment_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/arngate/arngate/functions/local/deployment"
	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
	"github.com/arngate/arngate/shared/demosite"
)

// customerAccount is what the accounts hold, seen by their administrators.
type customerAccount struct {
	ctx      func() context.Context
	dynamodb *awsdynamodb.Client
	s3       *awss3.Client
	registry *awsdynamodb.Client // the gateway's own
	uploads  sync.Map            // by key: the id of an upload, and its part's ETag
	writes   atomic.Int64        // that others have made meanwhile

	revisions sync.Map // of providers, before the storm
}

func (c *customerAccount) connect(ctx func() context.Context, s *deploymenttest.Stack) {
	c.ctx = ctx
	c.dynamodb, c.registry = awsdynamodb.NewFromConfig(s.Customer()), awsdynamodb.NewFromConfig(s.Operator())
	c.s3 = awss3.NewFromConfig(s.Customer(), func(o *awss3.Options) { o.UsePathStyle = true })
}

// meanwhile stands between the functions and AWS, and has somebody else write what raced moves take, as soon as it is copied.
func (c *customerAccount) meanwhile(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		answer, err := next.RoundTrip(r)
		if _, key, copied := strings.Cut(r.Header.Get("X-Amz-Copy-Source"), "/"); copied && strings.HasPrefix(key, raced) {
			err = errors.Join(err, c.putContent(key, fmt.Sprint("written meanwhile, as number ", c.writes.Add(1))))
		}
		return answer, err
	})
}

// roundTripper is a function as a transport.
type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip sends a request.
func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

const bucketRoute = "/v1/s3/files/buckets/" + demosite.Bucket

func objectRoute(key string) string { return bucketRoute + "/object?key=" + url.QueryEscape(key) }

func plainText() http.Header { return http.Header{"Content-Type": {"text/plain"}} }

// objectWrites are the ways to write objects. An object's content is its key.
func objectWrites() []act {
	prepared := func(w *world, mark string) error { return w.customer.putObject(mark) }
	store := func(header http.Header) func(*world, string) request {
		return func(_ *world, mark string) request { return request{http.MethodPut, objectRoute(mark), mark, header} }
	}
	onlyNew := plainText()
	onlyNew.Set("If-None-Match", "*")
	return []act{
		{name: "put-object", request: store(plainText()), truth: objectIsThere},
		{name: "create-object", request: store(onlyNew), truth: objectIsThere},
		{
			name: "delete-object", prepare: prepared, truth: objectIsGone,
			request: func(_ *world, mark string) request { return request{http.MethodDelete, objectRoute(mark), "", nil} },
		},
		{
			name: "delete-this-object", prepare: prepared, truth: objectIsGone,
			request: func(_ *world, mark string) request {
				return request{http.MethodDelete, objectRoute(mark), "", http.Header{"If-Match": {"*"}}}
			},
		},
		{
			name: "delete-objects", claims: claimsOfOutcomes,
			prepare: func(w *world, mark string) error {
				return errors.Join(w.customer.putObject(mark+"-0"), w.customer.putObject(mark+"-1"), w.customer.putObject(mark+"-2"))
			},
			request: func(_ *world, mark string) request {
				return request{http.MethodPost, "/v1/s3/files/delete", fmt.Sprintf(`{"bucket":%q,"keys":[%q,%q,%q]}`,
					demosite.Bucket, mark+"-0", mark+"-1", mark+"-2"), nil}
			},
			truth: func(w *world, mark string) ([]int, error) {
				var gone []int
				for i := range 3 {
					one, err := objectIsGone(w, fmt.Sprint(mark, "-", i))
					if err != nil {
						return nil, err
					}
					gone = append(gone, one...)
				}
				return gone, nil
			},
		},
		{
			name: "copy", prepare: prepared, request: passing("copy"),
			truth: func(w *world, mark string) ([]int, error) { return objectIs(w, mark+"-there", mark) },
		},
		{name: "move", prepare: prepared, request: passing("move"), claims: claimsOfMove, truth: moved},
		{
			name: raced, prepare: prepared, request: passing("move"), claims: claimsOfMove, truth: movedInTime,
			// What was refused at first, throttled say, is another object when the SDK asks again.
			others: map[string]claim{"condition_failed": asDenied},
		},
		{
			name: "complete-upload", truth: objectIsThere,
			prepare: func(w *world, mark string) error { return w.customer.upload(mark) },
			request: func(w *world, mark string) request {
				sent, _ := w.customer.uploads.Load(mark)
				return request{http.MethodPost, bucketRoute + "/uploads/complete", fmt.Sprint(sent), nil}
			},
		},
	}
}

func passing(how string) func(*world, string) request {
	return func(_ *world, mark string) request {
		return request{http.MethodPost, "/v1/s3/files/" + how, fmt.Sprintf(
			`{"from":{"bucket":%[1]q,"key":%[2]q},"to":{"bucket":%[1]q,"key":%[3]q}}`, demosite.Bucket, mark, mark+"-there"), nil}
	}
}

func moved(w *world, mark string) ([]int, error) { return movedTo(w, mark, mark+"-there") }

// movedTo is whether there is a copy, and whether the source is gone. It is an error if that is all there was.
func movedTo(w *world, from, to string) ([]int, error) {
	there, err := objectIs(w, to, from)
	if err != nil {
		return nil, err
	}
	gone, err := objectIsGone(w, from)
	if err == nil && gone[0] > there[0] {
		err = errors.New("the object is lost")
	}
	return append(there, gone...), err
}

type outcomesShown struct {
	Items []struct {
		Key     string       `json:"key"`
		Outcome string       `json:"outcome"`
		Problem problemShown `json:"problem"`
	} `json:"items"`
}

func claimsOfOutcomes(a deploymenttest.Answer) ([]claim, error) {
	var answer outcomesShown
	if err := json.Unmarshal([]byte(a.Body), &answer); err != nil {
		return nil, err
	}
	var claims []claim
	var errs error
	for _, item := range answer.Items {
		c, err := asDone, error(nil)
		if item.Outcome == "failed" {
			c, err = item.Problem.claim(item.Problem.Status, true)
		}
		claims, errs = append(claims, c), errors.Join(errs, err)
	}
	return claims, errs
}

func claimsOfMove(a deploymenttest.Answer) ([]claim, error) {
	var answer outcomesShown
	if err := json.Unmarshal([]byte(a.Body), &answer); err != nil || len(answer.Items) != 1 {
		return nil, fmt.Errorf("one outcome is wanted: %w", err)
	}
	switch item := answer.Items[0]; item.Outcome {
	case "moved":
		return []claim{asDone, asDone}, nil
	case "copied_not_deleted":
		if item.Problem.Code == "condition_failed" { // it has been written anew
			return []claim{asDone, asDenied}, nil
		}
		c, err := item.Problem.claim(item.Problem.Status, true)
		return []claim{asDone, c}, err
	default:
		return nil, fmt.Errorf("the outcome is %q", item.Outcome)
	}
}

// objectIs is 1 if the object has that content.
func objectIs(w *world, key, content string) ([]int, error) {
	out, err := w.customer.s3.GetObject(w.customer.ctx(), &awss3.GetObjectInput{Bucket: aws.String(demosite.Bucket), Key: &key})
	if _, absent := errors.AsType[*s3types.NoSuchKey](err); absent {
		return []int{0}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("get object: %w", err)
	}
	got, err := io.ReadAll(out.Body)
	if err = errors.Join(err, out.Body.Close()); err != nil {
		return nil, fmt.Errorf("read object: %w", err)
	}
	if string(got) != content {
		return nil, fmt.Errorf("the object %s is %q, want %q", key, got, content)
	}
	return []int{1}, nil
}

// raced is the move of what somebody else writes anew while it is moved.
const raced = "raced-move"

// movedInTime is whether there is a copy. It is an error if what was written meanwhile was deleted for it.
func movedInTime(w *world, mark string) ([]int, error) {
	there, err := w.customer.exists(mark + "-there")
	if err != nil {
		return nil, err
	}
	kept, err := w.customer.exists(mark)
	if err == nil && !kept {
		err = errors.New("what was written meanwhile is lost")
	}
	return []int{oneIf(there), 0}, err
}

func (c *customerAccount) exists(key string) (bool, error) {
	_, err := c.s3.HeadObject(c.ctx(), &awss3.HeadObjectInput{Bucket: aws.String(demosite.Bucket), Key: &key})
	if _, absent := errors.AsType[*s3types.NotFound](err); absent {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("head object: %w", err)
	}
	return true, nil
}

func objectIsThere(w *world, mark string) ([]int, error) { return objectIs(w, mark, mark) }

func objectIsGone(w *world, mark string) ([]int, error) {
	there, err := objectIs(w, mark, mark)
	if err != nil {
		return nil, err
	}
	return []int{1 - there[0]}, nil
}

func (c *customerAccount) putObject(key string) error { return c.putContent(key, key) }

func (c *customerAccount) putContent(key, content string) error {
	_, err := c.s3.PutObject(c.ctx(), &awss3.PutObjectInput{
		Bucket: aws.String(demosite.Bucket), Key: &key, Body: strings.NewReader(content), ContentType: aws.String("text/plain"),
	})
	if err != nil {
		return fmt.Errorf("put object: %w", err)
	}
	return nil
}

// upload sends an object in one part, and keeps what completes it.
func (c *customerAccount) upload(key string) error {
	begun, err := c.s3.CreateMultipartUpload(c.ctx(), &awss3.CreateMultipartUploadInput{Bucket: aws.String(demosite.Bucket), Key: &key})
	if err != nil {
		return fmt.Errorf("create upload: %w", err)
	}
	part, err := c.s3.UploadPart(c.ctx(), &awss3.UploadPartInput{
		Bucket: aws.String(demosite.Bucket), Key: &key, UploadId: begun.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader(key),
	})
	if err != nil {
		return fmt.Errorf("upload part: %w", err)
	}
	c.uploads.Store(key, fmt.Sprintf(`{"key":%q,"upload_id":%q,"parts":[{"number":1,"etag":%q}]}`, key, *begun.UploadId, *part.ETag))
	return nil
}

// configured are the entries of the demo site in the registry of that name, and whether the demo's provider is said to be used
// by it.
func (c *customerAccount) configured(kind, name string) (entry map[string]types.AttributeValue, used bool, err error) {
	read := func(sk string) (map[string]types.AttributeValue, error) {
		out, err := c.registry.GetItem(c.ctx(), &awsdynamodb.GetItemInput{
			TableName: aws.String(deployment.StackName + "-Registry"), ConsistentRead: aws.Bool(true),
			Key: map[string]types.AttributeValue{
				"pk": &types.AttributeValueMemberS{Value: "SITE#" + demosite.Site}, "sk": &types.AttributeValueMemberS{Value: sk},
			},
		})
		if err != nil {
			return nil, fmt.Errorf("read registry: %w", err)
		}
		return out.Item, nil
	}
	if entry, err = read(kind + "#" + name); err != nil {
		return nil, false, err
	}
	provider, err := read("PROVIDER#" + demosite.Provider)
	users, ok := provider["used_by"].(*types.AttributeValueMemberSS)
	return entry, ok && slices.Contains(users.Value, name), err
}
