"""What the service does with a batch or a question: the domain decides, the store and the queries carry out."""
