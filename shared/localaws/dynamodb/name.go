package dynamodb

import (
	"regexp"
	"strings"
)

var resourceName = regexp.MustCompile(`^[A-Za-z0-9_.-]{3,255}$`)

// tableName reads TableName, which is a name or an ARN. Another account's or region's ARN names no table here.
func (p parameters) tableName() string {
	const member = "TableName"
	p.require(member)
	name := p.text(member)
	if !p.has(member) || *p.fault != nil {
		return ""
	}
	return p.checkTableName(name)
}

func (p parameters) checkTableName(name string) string {
	if ref := parseReference(name); ref.account != "" {
		return name
	}
	if !resourceName.MatchString(name) {
		p.fail(validation("Invalid table/index name.  Table/index names must be between 3 and 255 characters long, " +
			"and may contain only the characters a-z, A-Z, 0-9, '_', '-', and '.'"))
	}
	return name
}

// reference is a table as a request names it. Account and region are empty if it is only a name.
type reference struct{ account, region, name string }

func parseReference(text string) reference {
	parts := strings.SplitN(text, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "dynamodb" {
		return reference{name: text}
	}
	name, ok := strings.CutPrefix(parts[5], "table/")
	if !ok {
		return reference{name: text}
	}
	return reference{account: parts[4], region: parts[3], name: name}
}

// find is the table that a request names, nil if there is none.
func (st *store) find(named string) *table {
	ref := parseReference(named)
	if ref.account != "" && (ref.account != st.account || ref.region != st.region) {
		return nil
	}
	return st.tables[ref.name]
}

// table is find, with the error of the operations on items.
func (st *store) table(named string) (*table, error) {
	if t := st.find(named); t != nil {
		return t, nil
	}
	return nil, tableNotFound()
}

// arn is the ARN of the table of that name.
func (p place) arn(table string) string {
	partition := "aws"
	switch {
	case strings.HasPrefix(p.region, "cn-"):
		partition = "aws-cn"
	case strings.HasPrefix(p.region, "us-gov-"):
		partition = "aws-us-gov"
	}
	return "arn:" + partition + ":dynamodb:" + p.region + ":" + p.account + ":table/" + table
}
