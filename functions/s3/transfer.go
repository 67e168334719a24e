package s3

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/arngate/arngate/shared/awsclient/s3client"
	"github.com/arngate/arngate/shared/problem"
)

const (
	// maxCopy is how large an object CopyObject takes, in bytes ("CopyObject", Amazon S3 API Reference).
	maxCopy = 5 << 30

	storageClassStandard = "STANDARD"
)

// transfer is copies from one bucket to another, or to the same.
type transfer struct {
	from, to  *bucket
	move      bool
	overwrite bool
}

// passage is one object on its way.
type passage struct {
	object  Object
	to      string
	copyErr error // why there is no copy; a problem
	err     error // why the source is still there, of a move; a problem
}

// passage is that of an object of a prefix, which another is put in place of.
func (t *transfer) passage(o Object, from, to string) passage {
	p := passage{object: o, to: to + strings.TrimPrefix(o.Key, from)}
	switch {
	case len(p.to) > maxKey:
		p.copyErr = problem.New(problem.InvalidRequest, "The new key would be over 1,024 bytes.")
	case p.to == "":
		p.copyErr = problem.New(problem.InvalidRequest, "The new key would be empty.")
	case t.from.name == t.to.name && strings.HasPrefix(p.to, from):
		p.copyErr = problem.New(problem.InvalidRequest, "The new key would lie below the prefix that it comes from, and be taken from there again.")
	}
	return p
}

// one copies or moves a single object: if it fails, that is the problem of the request.
func (t *transfer) one(ctx context.Context, from, to string, out *Outcomes) error {
	head, err := t.from.head(ctx, from)
	if err != nil {
		return err
	}
	list := []passage{{to: to, object: Object{
		Key: from, Size: aws.ToInt64(head.ContentLength), ETag: aws.ToString(head.ETag), StorageClass: string(head.StorageClass),
	}}}
	if _, err := t.all(ctx, list); err != nil {
		return err
	}
	if list[0].copyErr != nil {
		return list[0].copyErr
	}
	return t.tell(list, out)
}

// all copies a number of objects, as far as the time allows, and deletes what is copied if it is to be moved. It returns how
// many it has begun with.
func (t *transfer) all(ctx context.Context, list []passage) (begun int, err error) {
	begun, err = each(ctx, len(list), func(ctx context.Context, i int) {
		if list[i].copyErr == nil {
			list[i].copyErr = t.copy(ctx, &list[i])
		}
	})
	if err == nil && t.move {
		t.clear(ctx, list[:begun])
	}
	return begun, err
}

// copy copies one object with its metadata and storage class. Its tags are left: to read and write them would need two more
// permissions. Of a move, what is copied must be what is deleted afterwards, so it is bound to its ETag.
func (t *transfer) copy(ctx context.Context, p *passage) error {
	if p.object.Size > maxCopy {
		return tooLargeToCopy(nil)
	}
	in := &awss3.CopyObjectInput{
		Bucket: &t.to.name, Key: &p.to, CopySource: aws.String(copySource(t.from.name, p.object.Key)),
		ExpectedBucketOwner: &t.to.owner, ExpectedSourceBucketOwner: &t.from.owner,
		MetadataDirective: types.MetadataDirectiveCopy, TaggingDirective: types.TaggingDirectiveReplace,
	}
	if class := p.object.StorageClass; class != "" && class != storageClassStandard {
		in.StorageClass = types.StorageClass(class)
	}
	if t.move {
		in.CopySourceIfMatch = optional(p.object.ETag)
	}
	if !t.overwrite {
		in.IfNoneMatch = aws.String("*")
	}
	var doubt s3client.Doubt
	// The SDK reads a 200 to its end, where an error can be (trap 42).
	err := t.to.call(ctx, "CopyObject", "s3:PutObject", t.to.arn(p.to), func(ctx context.Context, client *awss3.Client) error {
		_, err := client.CopyObject(ctx, in, doubt.Watch)
		return err
	})
	refusal, ok := errors.AsType[*problem.Error](err)
	if ok && refusal.AWS != nil && strings.Contains(refusal.AWS.Message, "maximum allowable size") {
		return tooLargeToCopy(refusal)
	}
	return err
}

func tooLargeToCopy(cause *problem.Error) error {
	p := problem.New(problem.AWSRejected, "The object is over 5 GB: S3 doesn't copy it in one piece.").
		WithHint("Copy it part by part with AWS's own tools.")
	if cause != nil {
		p.AWS, p.Cause = cause.AWS, cause
	}
	return p
}

// clear deletes what has been copied, if it is still what was.
func (t *transfer) clear(ctx context.Context, list []passage) {
	var sources []doomed
	var at []int
	for i := range list {
		if list[i].copyErr == nil {
			sources = append(sources, doom(list[i].object.Key, list[i].object.ETag))
			at = append(at, i)
		}
	}
	err := t.from.deleteAll(ctx, sources)
	for i, source := range sources {
		switch {
		case err != nil:
			list[at[i]].err = err
		case !gone(source.err):
			list[at[i]].err = source.err
		}
	}
}

// gone says that a conditional deletion failed because nothing is there any more: its own first try, whose answer was lost, or
// somebody else's.
func gone(err error) bool {
	p, ok := errors.AsType[*problem.Error](err)
	return ok && p.Code == problem.ObjectNotFound
}

// tell says what became of each.
func (t *transfer) tell(list []passage, out *Outcomes) error {
	for i := range list {
		p := &list[i]
		item := Outcome{Key: p.object.Key, To: p.to, Outcome: outcomeCopied}
		failure := p.copyErr
		switch {
		case p.copyErr != nil:
			item.Outcome = outcomeFailed
		case p.err != nil:
			item.Outcome, failure = outcomeCopiedNotDeleted, p.err
		case t.move:
			item.Outcome = outcomeMoved
		}
		if err := out.add(item, failure); err != nil {
			return err
		}
	}
	return nil
}

// copySource is the header that names an object to copy: URL-encoded, but for its slashes (trap 42). A plus would be a space.
func copySource(bucket, key string) string {
	const plain = "-._~/"
	const digits = "0123456789ABCDEF"
	var out strings.Builder
	for _, c := range []byte(bucket + "/" + key) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte(plain, c) >= 0:
			out.WriteByte(c)
		default:
			out.Write([]byte{'%', digits[c>>4], digits[c&15]})
		}
	}
	return out.String()
}
