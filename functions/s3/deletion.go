package s3

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"github.com/arngate/arngate/shared/problem"
)

// doomed is an object to be deleted.
type doomed struct {
	key  string
	etag string // only if it still has this ETag; empty: whatever it has

	answered bool  // by S3
	err      error // why it is still there; a problem
}

func doom(key, etag string) doomed { return doomed{key: key, etag: etag} }

// deleteAll deletes up to a thousand objects and sets what came of each. Its own error means that nothing was deleted.
func (b *bucket) deleteAll(ctx context.Context, list []doomed) error {
	if err := b.deleteNamed(ctx, list); err != nil {
		return err
	}
	// What XML couldn't name, and what S3 didn't answer for, is deleted by itself.
	var rest []*doomed
	for i := range list {
		if !list[i].answered {
			rest = append(rest, &list[i])
		}
	}
	begun, err := each(ctx, len(rest), func(ctx context.Context, i int) {
		rest[i].err = b.deleteOne(ctx, rest[i].key, rest[i].etag)
	})
	for _, d := range rest[begun:] {
		d.err = problem.New(problem.DeadlineExceeded, "The request ran out of time before this key was deleted.")
	}
	return err
}

// maxMessage is how many bytes of keys one DeleteObjects is sent with: S3 bounds the message, too, and a thousand keys can be
// written longer than that.
const maxMessage = 512 << 10

// deleteNamed deletes what XML can name, in as few calls as take it.
func (b *bucket) deleteNamed(ctx context.Context, list []doomed) error {
	var batch []*doomed
	size, sent := 0, false
	flush := func() error {
		err := b.deleteTogether(ctx, batch)
		if err != nil && sent { // some are deleted already: it is the problem of these
			for _, d := range batch {
				d.answered, d.err = true, err
			}
			err = nil
		}
		batch, size, sent = batch[:0], 0, true
		return err
	}
	for i := range list {
		d := &list[i]
		if !inXML(d.key) {
			continue
		}
		if length := xmlLength(d.key); size+length > maxMessage && len(batch) > 0 {
			if err := flush(); err != nil {
				return err
			}
		}
		batch = append(batch, d)
		size += xmlLength(d.key)
	}
	if len(batch) == 0 {
		return nil
	}
	return flush()
}

// xmlLength is how long a key is at most when XML escapes it.
func xmlLength(key string) int {
	return len(key) + 5*strings.Count(key, "&") + 5*strings.Count(key, "<") + 5*strings.Count(key, ">") +
		5*strings.Count(key, `"`) + 5*strings.Count(key, "'")
}

// deleteTogether sends one DeleteObjects, which answers for each key, also with 200 (trap 40).
func (b *bucket) deleteTogether(ctx context.Context, list []*doomed) error {
	byKey := make(map[string]*doomed, len(list))
	request := &types.Delete{Quiet: aws.Bool(false)}
	for _, d := range list {
		byKey[d.key] = d
		request.Objects = append(request.Objects, types.ObjectIdentifier{Key: &d.key, ETag: optional(d.etag)})
	}
	var answer *awss3.DeleteObjectsOutput
	err := b.call(ctx, "DeleteObjects", "s3:DeleteObject", b.arn("*"), func(ctx context.Context, client *awss3.Client) (err error) {
		answer, err = client.DeleteObjects(ctx, &awss3.DeleteObjectsInput{
			Bucket: &b.name, ExpectedBucketOwner: &b.owner, Delete: request,
		})
		return err
	})
	if err != nil {
		return err
	}
	for _, deleted := range answer.Deleted {
		if d := byKey[aws.ToString(deleted.Key)]; d != nil {
			d.answered = true
		}
	}
	for _, failed := range answer.Errors {
		if d := byKey[aws.ToString(failed.Key)]; d != nil {
			d.answered, d.err = true, b.explain(d.key, failed)
		}
	}
	return nil
}

// explain makes a problem of S3's answer for one key of DeleteObjects.
func (b *bucket) explain(key string, failed types.Error) error {
	p := problem.FromAWS("s3", "DeleteObjects", &smithy.GenericAPIError{
		Code: aws.ToString(failed.Code), Message: aws.ToString(failed.Message),
	})
	if p.Code == problem.AWSAccessDenied && p.Resource == "" {
		p.Resource = b.arn(key)
	}
	return p
}

// inXML reports whether XML carries a key unaltered, there and back: XML 1.0 has no control characters but three, which parsers
// make spaces or line feeds of ("Object key names", XML related constraints). The SDK would put U+FFFD in their place, and name
// another key by it.
func inXML(key string) bool {
	return !slices.ContainsFunc([]rune(key), func(r rune) bool {
		return r < ' ' || (r >= 0x7f && r < 0xa0) || r == 0x2028 || r == 0x2029 || r >= 0xfffe && r <= 0xffff
	})
}
