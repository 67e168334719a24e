package archive

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
)

// partSize is how much of a text one item holds. An item has 400 KB at most, its names included ("Quotas in Amazon DynamoDB").
const partSize = 384 << 10

// errExpired says that a text isn't whole any more: TTL deletes items one by one, within days.
var errExpired = errors.New("archive: parts of a text have expired")

// longText says where a text lies. The zero value is none.
type longText struct {
	Name  string `dynamodbav:"name"`
	Parts int    `dynamodbav:"parts"`
	Sum   []byte `dynamodbav:"sum"` // SHA-256 of the parts together
}

type partItem struct {
	head

	Data []byte `dynamodbav:"data"`
}

// packed is v as compressed JSON: a tenth of it, and reports are paid by size.
func (a *Archive) packed(v any) ([]byte, error) {
	var out bytes.Buffer
	z, ok := a.writers.Get().(*gzip.Writer)
	if !ok {
		z = gzip.NewWriter(nil)
	}
	defer a.writers.Put(z)
	z.Reset(&out)
	if err := json.NewEncoder(z).Encode(v); err != nil {
		return nil, fmt.Errorf("encode text: %w", err)
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("compress text: %w", err)
	}
	return out.Bytes(), nil
}

// unpack reads what packed made.
func unpack(data []byte, out any) error {
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("decompress text: %w", err)
	}
	raw, err := io.ReadAll(z)
	if err != nil {
		return fmt.Errorf("decompress text: %w", err)
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return fmt.Errorf("decode text: %w", err)
	}
	return nil
}

func (t longText) key(number int) string { return fmt.Sprintf("%s%s#%04d", partPrefix, t.Name, number) }

// store writes a text in as many items as it takes, under a name that was never used before: whoever else writes one for the same
// audit writes another.
func (a *Archive) store(ctx context.Context, site string, data []byte) (longText, error) {
	sum := sha256.Sum256(data)
	t := longText{Name: NewID(a.now()), Sum: sum[:]}
	for len(data) > 0 {
		size := min(len(data), partSize)
		if err := a.put(ctx, partItem{a.head(site, t.key(t.Parts)), data[:size]}); err != nil {
			return longText{}, err
		}
		data = data[size:]
		t.Parts++
	}
	return t, nil
}

// read returns a stored text, or errExpired.
func (a *Archive) read(ctx context.Context, site string, t longText) ([]byte, error) {
	var data []byte
	parts := span{site: site, prefix: partPrefix + t.Name + "#"}
	err := a.query(ctx, parts, 0, func(raw item) (bool, error) {
		var part partItem
		if err := attributevalue.UnmarshalMap(raw, &part); err != nil {
			return false, fmt.Errorf("decode part: %w", err)
		}
		data = append(data, part.Data...)
		return true, nil
	})
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(data); !bytes.Equal(sum[:], t.Sum) {
		return nil, errExpired
	}
	return data, nil
}
