"""What vendors say beside what stands here."""
