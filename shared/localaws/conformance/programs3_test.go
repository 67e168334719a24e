package conformance

import (
	"context"
	cryptorand "crypto/rand"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

// How much is asked at random, as for DynamoDB.
const (
	s3Operations      = 4_000
	s3OperationsAlone = 1_000
	s3Steps           = 60 // of a program, after those that fill its bucket
	s3ObjectsAtFirst  = 12
)

// s3Target is an S3 with what differs between two of them: the ids of versions, in the order in which they were made.
type s3Target struct {
	*awss3.Client

	versions *[]string
}

type s3Step = step[s3Target]

// TestS3Programs runs random programs on the local AWS and on MinIO, or on another local AWS.
func TestS3Programs(t *testing.T) {
	other, wanted := oracle(t, minIO, s3Variable), s3Operations
	if other == nil {
		other, wanted = local(t), s3OperationsAlone
	}
	c := newComparison(newS3Target(local(t)), newS3Target(other), other.name)
	if other.name == minIO {
		c.excuses = s3Excuses()
	}
	run := strings.ToLower(cryptorand.Text()[:10])
	for n := uint64(0); c.asked < wanted; n++ {
		newS3Program(random(seed(t), n), fmt.Sprintf("program-%s-%d", run, n)).run(t.Context(), c)
	}
	c.report(t)
}

func newS3Target(b *backend) s3Target {
	return s3Target{Client: awss3.NewFromConfig(b.config), versions: new([]string)}
}

// made remembers a version and returns what stands for it.
func (t s3Target) made(id *string) string {
	if id == nil || *id == "null" {
		return aws.ToString(id)
	}
	if !slices.Contains(*t.versions, *id) {
		*t.versions = append(*t.versions, *id)
	}
	return fmt.Sprintf("v%d", slices.Index(*t.versions, *id))
}

// version is one that was made before, or nil if there are none.
func (t s3Target) version(n int) *string {
	if len(*t.versions) == 0 {
		return nil
	}
	return &(*t.versions)[n%len(*t.versions)]
}

// s3Program is a bucket and what is done to it at random.
type s3Program struct {
	r         *rand.Rand
	bucket    *string
	versioned bool
	keys      []string
	live      map[string]bool // keys that are surely there
}

// s3KeyPool are keys that MinIO takes: minio/empty-segment and minio/folder-key are of others.
var s3KeyPool = []string{
	"a", "a b", "a+b", "a%2Fb", "ab", "A", "b/1", "b/2", "b/c/1", "b/c/2", "b-1", "b.txt", "ü", "日本/語", "𝄞", "d/x", "e=1&f?g#h",
	"'q\"", "(x)*!~", "$@:;,", "z\ttab", "<&>", "z[1]{2}", "z|^`", "-", "_/_/_",
}

func newS3Program(r *rand.Rand, bucket string) *s3Program {
	keys := slices.Clone(s3KeyPool)
	r.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	return &s3Program{r: r, bucket: &bucket, versioned: chance(r, 3), keys: keys[:12], live: make(map[string]bool)}
}

// run asks for steps until the program ends, or its two buckets may differ.
func (p *s3Program) run(ctx context.Context, c *comparison[s3Target]) {
	*c.ours.versions, *c.its.versions = nil, nil
	if _, alike := c.run(ctx, p.create()); !alike {
		return
	}
	for n := range s3ObjectsAtFirst + s3Steps {
		next := p.put
		if n >= s3ObjectsAtFirst {
			next = pick(p.r, p.put, p.put, p.get, p.get, p.get, p.head, p.remove, p.removeMany, p.list, p.list, p.listFirst, p.listVersions,
				p.copy, p.copy, p.upload)
		}
		if _, alike := c.run(ctx, next()); !alike {
			return
		}
	}
}

// asS3Step makes a step. What it returns of an answer is what both must have: of an error, the code.
func asS3Step(name string, in any, ask func(ctx context.Context, t s3Target) (any, error)) s3Step {
	return s3Step{name: name, in: in, ask: func(ctx context.Context, t s3Target) (any, error) {
		out, err := ask(ctx, t)
		if failure, is := errors.AsType[smithy.APIError](err); is {
			return nil, &smithy.GenericAPIError{Code: failure.ErrorCode()}
		}
		return out, err
	}}
}

func (p *s3Program) create() s3Step {
	return asS3Step("CreateBucket", *p.bucket, func(ctx context.Context, t s3Target) (any, error) {
		_, err := t.CreateBucket(ctx, &awss3.CreateBucketInput{Bucket: p.bucket})
		if err != nil || !p.versioned {
			return nil, err
		}
		_, err = t.PutBucketVersioning(ctx, &awss3.PutBucketVersioningInput{
			Bucket: p.bucket, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
		})
		return nil, err
	})
}

func (p *s3Program) key() string { return pick(p.r, p.keys...) }

// etags are those of the bodies that programs put, and one of none.
var etags = []string{`"0cc175b9c0f1b6a831c399e269772661"`, `"d41d8cd98f00b204e9800998ecf8427e"`, `"00000000000000000000000000000000"`}

func (p *s3Program) body() string {
	return pick(p.r, "a", "", "0123456789", strings.Repeat("long ", 1000))
}
